"""What answers a reminder: "I come" and "another time", and nothing that is only nearly that (P7, anchors C4).

Only a whole text that says just this is taken for an answer. Neither is ever consent, nor its end: those words are
read first, and a text that holds one of them never comes here.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import chain

from worker.rules.clauses import asks, clauses_of, cross
from worker.rules.lexicon import phrases, words


class VisitWord(StrEnum):
    """What the client says of her visit."""

    CONFIRM = "confirm"
    ANOTHER_TIME = "another_time"


CONFIRM = phrases(
    "c | confirm | confirmed | confirming | i confirm | we confirm | i confirm my visit | i confirm my appointment",
    "i will be there | ill be there | we will be there | see you then | see you there | see you tomorrow",
    "confirmo | confirmado | confirmada | confirmar | confirmo mi cita | confirmo la cita | lo confirmo | la confirmo",
    "alli estare | ahi estare | nos vemos | nos vemos manana",
)
ANOTHER_TIME = phrases(
    "change | another time | other time | different time | another day | other day | different day | a different time",
    "a different day | new time | new date | another date | reschedule | reschedule it | change time | change it",
    "change my appointment | change my visit | change appointment | change the time | move my appointment | move it",
    "i need another time | i need another day | need another time | need to reschedule | i need to reschedule",
    "can we reschedule | can i reschedule | can we move it | can i come another day | can i come another time",
    "i want to reschedule | id like to reschedule | i would like to reschedule",
    "cambiar | cambio | otra hora | otro dia | otra fecha | otro horario | otra cita | cambiar cita | cambiar la cita",
    "cambiar mi cita | cambiar la hora | cambiar de hora | cambiar de dia | cambiar la fecha | reprogramar",
    "reprogramar la cita | reprogramar mi cita | necesito otra hora | necesito otro dia | quiero cambiar la cita",
    "quiero cambiar mi cita | puedo cambiar la cita | podemos cambiar la hora | puedo ir otro dia",
)
_AROUND = words(
    "hi hello hey please pls thanks thank you yes yep yeah ok okay great hola por favor gracias si vale buenas buenos "
    "dias tardes"
)


def visit_word(text: str) -> VisitWord | None:
    """The answer that a whole text is, None for anything else. "Confirm?" asks and confirms nothing."""
    said = tuple(chain(*clauses_of(text)))
    bare = tuple(word for word in said if word not in _AROUND)
    if cross(text) or any(word.isdigit() for word in said):
        return None
    for kept in (said, bare):
        if kept in ANOTHER_TIME:
            return VisitWord.ANOTHER_TIME
        if kept in CONFIRM:
            return None if asks(text) else VisitWord.CONFIRM
    return None
