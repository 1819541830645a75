"""What a client's text means for consent (rules 7, 16, 17, 18, 24, 25, 28, 30, 31, 133)."""

from __future__ import annotations

import sys
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.rules.lexicon import BASE, Lexicon, folded
from worker.rules.lexicons import EVERY, LANGUAGES
from worker.rules.words import LONGEST, TWILIO_HELP, TWILIO_START, TWILIO_STOP, Word, read

STATUTE = ["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"]
AWS = ["ARRET", "TD", "REMOVE", "OPT-OUT"]
FRENCH_AND_SPANISH = ["ARRET", "ARRÊT", "ARRETE", "ALTO", "PARAR", "BASTA", "NO MAS", "NO MÁS"]
ALWAYS = sorted({*STATUTE, *TWILIO_STOP, *AWS, *FRENCH_AND_SPANISH})


def fullwidth(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


DRESSED = [
    str,
    str.upper,
    str.title,
    lambda w: f"  {w}\n",
    lambda w: f"{w}.",
    lambda w: f"{w}!!!",
    lambda w: f'"{w}"',
    lambda w: f"“{w}”",
    lambda w: f"'{w}'",
    lambda w: f"*{w}*",
    lambda w: f"{w} 🙏",
    lambda w: f"👎{w}👎",
    "\u200b".join,
    lambda w: f"\ufeff{w}\u200e",
    fullwidth,
    lambda w: w.replace(" ", "-"),
    lambda w: w.replace(" ", "   "),
    lambda w: f"{w} please",
    lambda w: f"please {w}",
    lambda w: f"{w} thanks",
    lambda w: f"{w} all",
    lambda w: f"{w} 12345",
    lambda w: f"{w}\n\n",
]


@pytest.mark.parametrize("dress", DRESSED)
@pytest.mark.parametrize("word", ALWAYS)
def test_every_listed_word_revokes_however_it_is_dressed(word, dress):
    """P2, rule 16: statute, Twilio, AWS, French and Spanish words by case, mark, emoji, width and courtesy."""
    assert read(dress(word)).kind.revokes


MORE = [
    *(
        "opt-out",
        "opt  out",
        "OPTOUT",
        "stop all",
        "STOPALL",
        "S T O P",
        "s.t.o.p.",
        "S-T-O-P",
        "stooooop",
        "stpo",
        "🛑",
    ),
    *("STOP PLEASE", "please stop", "PLEASE CANCEL", "remove me", "no more", "no more texts please", "stop it now"),
    *("please don't text me any more", "please don’t text me", "do not contact me", "take me off your list"),
    *("please stop sending me these messages", "I want to opt out of this programme please", "leave me alone"),
    *("unsubscribe me from this list", "stop texting me, I have told you three times already", "<b>STOP</b>"),
    *("STOP. My sessions are over and I need no advice", "Hi, who are you? Stop!", "don't. STOP", "no, stop", "u stop"),
    *("STOP\r\n-- \r\nSent from my phone", "_STOP_", "#stop", "stop\x00", "S⃣T⃣O⃣P⃣", "s\u0336t\u0336o\u0336p\u0336"),
    *("unsuscribe", "I quit", "basta ya", "arrêtez", "end these texts", "revoke my consent", "stop2025", "STOP/END"),
]


@pytest.mark.parametrize("text", MORE)
def test_what_the_providers_filter_misses_revokes_here(text):
    """Rules 17, 18: only our own ledger sees "STOP please"."""
    assert read(text).kind.revokes


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(BASE.stop)),
    st.lists(st.sampled_from(["this", "sun", "cream", "Bob", "really", "?", "!", "7"]), max_size=3),
    st.integers(0, 3),
)
def test_a_stop_word_anywhere_in_a_short_message_revokes(word, others, at):
    """Rule 17: in four words or fewer, one stop word decides."""
    text = " ".join([*others[:at], word, *others[at:]])
    assert read(text).kind.revokes


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30), st.sampled_from(ALWAYS))
def test_a_stop_word_on_a_line_of_its_own_revokes_whatever_stands_around_it(text, word):
    """P2: no prefix, suffix or signature hides a line that says only STOP, and no text makes it mean less."""
    assert read(f"{word.upper()}\n").kind.revokes
    if word not in {"TD", "REMOVE", "ALTO", "NO MAS", "NO MÁS"}:
        assert read(f"{text}\n{word}\n{text}").kind.revokes


HARMLESS_STOP = [
    *("I can't stop smiling", "I can’t stop smiling!", "cannot stop looking", "see you at the end of the day"),
    *(
        "the end of the week",
        "see you at the bus stop",
        "should I stop using the cream on the weekend",
        "no more redness",
    ),
    *("no puedo parar de sonreír", "¿Cuándo puedo dejar de usar la crema?", "Wann kann ich mit der Creme aufhören?"),
    *("Je n'arrête pas de sourire", "L'arrêt de bus est juste devant", "Quando posso smettere di usare la crema?"),
    *("Quando posso parar de usar o creme?", "Basta una volta al giorno?", "posso sair ao sol?", "hasta mañana"),
]


@pytest.mark.parametrize("text", HARMLESS_STOP)
def test_a_stop_word_that_surely_means_something_else_changes_nothing(text):
    """Rule 17: a smile, a bus stop and the end of the day are no revocations, and staff are not flooded."""
    assert read(text).kind is Word.NONE


DOUBTFUL_STOP = [
    *("don't stop", "please dont cancel", "the end", "end of day?", "bleeding won't stop", "never stop"),
    *("do not unsubscribe me", "can I remove bandage", "TD bank is closed", "soy alto y fuerte", "atop"),
    *("please don't stop texting me", "I did not opt out", "please do not unsubscribe me from these messages"),
    *("please do not stop sending me messages", "n'arrêtez pas de m'envoyer vos messages s'il vous plaît"),
    *("bitte nicht aufhören mir zu schreiben danke", "non smettete di scrivermi per favore", "não deixem de me mandar"),
]


@pytest.mark.parametrize("text", DOUBTFUL_STOP)
def test_a_stop_word_that_may_mean_something_else_is_held_for_staff(text):
    """Rule 17: never `stop`, never silently ignored."""
    assert read(text).kind is Word.UNCLEAR


RED_FLAGS = [
    *("It is bleeding", "I have a fever", "there is pus", "it burns badly", "the pain is getting worse", "I fainted"),
    *("Está sangrando", "Tengo fiebre", "Ça saigne", "J'ai de la fièvre", "Es blutet", "Ich habe Fieber"),
    *("Está sangrando muito", "Estou com febre", "Sanguina", "Ho la febbre", "mi fa male", "me duele mucho"),
]


@pytest.mark.parametrize("text", RED_FLAGS)
def test_a_complaint_is_no_revocation_and_is_read_by_a_person(text):
    """Rule 17: pain and blood never end the messages, and never pass unread."""
    assert read(text).kind is Word.UNCLEAR


LANGUAGES_TABLE = [
    *(("borrame", Word.STOP), ("no me escriban mas", Word.STOP), ("Número equivocado", Word.WRONG_NUMBER)),
    *(("arretez", Word.STOP), ("ne m'envoyez plus", Word.STOP), ("Vous vous trompez de numéro", Word.WRONG_NUMBER)),
    *(("keine SMS mehr", Word.STOP), ("abmeldne", Word.STOP), ("Falsche Nummer", Word.WRONG_NUMBER)),
    *(("não me mandem mais", Word.STOP), ("Para!", Word.STOP), ("Número errado", Word.WRONG_NUMBER)),
    *(("basta messaggi", Word.STOP), ("smettetela", Word.STOP), ("chi è? numero sbagliato", Word.WRONG_NUMBER)),
    *(
        ("unsuscrieb", Word.STOP),
        ("ST0P", Word.STOP),
        ("s-top", Word.STOP),
        ("$top", Word.STOP),
        *(("5top", Word.STOP), ("5T0P please", Word.STOP), ("un5ubscr1be", Word.STOP), ("canc3l", Word.CANCEL_STOP)),
        ("stop\u200bp", Word.STOP),
    ),
    *(("annuler", Word.CANCEL_STOP), ("stornieren", Word.CANCEL_STOP), ("cancelar", Word.CANCEL_STOP)),
]


@pytest.mark.parametrize(("text", "kind"), LANGUAGES_TABLE)
def test_plain_words_count_in_every_language(text, kind):
    """Rules 17, 28, 133: stop, cancel and wrong number in six languages, slips of the thumb included."""
    assert read(text).kind is kind


QUIET = [
    *(
        "that is too much",
        "I am tired of you",
        "das ist zu viel",
        "aus!",
        "jog on",
        "take a hike",
        "estou cansada de vocês",
    ),
    *("no", "no thanks", "non merci", "nein danke", "no gracias", "I have another doctor now", "bye", "adiós", "leave"),
    *(
        "vai via",
        "Vergessen Sie mich",
        "laisse tomber",
        "forget it",
        "let me go",
        "I have moved",
        "someone else has this",
    ),
]


@pytest.mark.parametrize("text", QUIET)
def test_a_farewell_in_plain_words_never_passes_as_harmless(text):
    """P2, rule 17: a dismissal without a single stop word still stops, or is held."""
    kind = read(text).kind
    assert kind.revokes or kind is Word.UNCLEAR


@pytest.mark.parametrize("text", ["Ok great 🖕", "thanks 🙄", "👋", "gracias 🚫", "thanks for everything ⛔"])
def test_a_cross_sign_makes_a_friendly_word_doubtful(text):
    """Rule 17: with a refusing hand or an angry face beside it, no thank-you is taken at its word."""
    assert read(text).kind is Word.UNCLEAR


UNCLEAR = [
    *("I need help with my skin", "it burns", "when do I start", "yes?", "yes but no", "start?", "??", "12345", "💀"),
    *("call me", "no", "スト", "не пишите", "ЅТОР", "ok?", "thanks but it hurts", "who is this"),
]


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_is_not_clearly_harmless_is_unclear(text):
    """Rule 17: fail closed, a person reads it."""
    assert read(text).kind is Word.UNCLEAR


@pytest.mark.parametrize(
    "text", ["", "   ", "\n", "\u200b", "👍", "🙏🏽❤️", "...", "Ok, thanks!", "great", "gracias", "👌 perfect"]
)
def test_silence_and_thanks_are_none(text):
    """An empty message, a thumb up and a thank-you change nothing."""
    assert read(text) == read("")
    assert read(text).kind is Word.NONE


@pytest.mark.parametrize(
    ("text", "kind", "matched", "whole"),
    [
        ("START", Word.START, "start", True),
        ("unstop.", Word.START, "unstop", True),
        ("start please", Word.START, "start", False),
        ("HELP", Word.HELP, "help", True),
        ("info?", Word.HELP, "info", True),
        ("help me", Word.UNCLEAR, "", False),
        ("YES", Word.YES, "yes", True),
        ("Sí", Word.YES, "si", True),
        ("yes please 🙏", Word.YES, "yes", False),
        ("cancel", Word.CANCEL_STOP, "cancel", True),
        ("please cancel my appointment", Word.CANCEL_STOP, "cancel", False),
        ("stop or cancel", Word.STOP, "stop", False),
        ("stop", Word.STOP, "stop", True),
        ("stop 7", Word.STOP, "stop", False),
        ("yes stop", Word.STOP, "stop", False),
        ("help, stop", Word.STOP, "stop", False),
        ("start stop", Word.STOP, "stop", False),
        ("wrong number", Word.WRONG_NUMBER, "wrong number", True),
        ("You have the wrong number, I am not Alice", Word.WRONG_NUMBER, "wrong number", False),
        ("número equivocado", Word.WRONG_NUMBER, "numero equivocado", True),
        ("stop, wrong person", Word.WRONG_NUMBER, "wrong person", False),
    ],
)
def test_keywords_are_kept_apart(text, kind, matched, whole):
    """Rules 7, 28, 30, 31, 133: each word its own meaning; CANCEL revokes and asks staff; STOP beats the rest."""
    reading = read(text)
    assert (reading.kind, reading.matched, reading.whole_message) == (kind, matched, whole)


@pytest.mark.parametrize(
    ("text", "everything"),
    [
        ("stop everything", True),
        ("stop all contact", True),
        ("please stop all contact with me now, thank you", True),
        ("cancel everything", True),
        ("do not contact me again", True),
        ("stop texts and emails too", True),
        ("parar todo", True),
        ("STOP", False),
        ("stop all", False),
        ("STOPALL", False),
        ("stop texting, email is fine", False),
        ("wrong number, stop everything", False),
    ],
)
def test_only_plain_words_widen_a_stop_to_email(text, everything):
    """Rule 25: STOP ends texts; "everything" and "all contact" end email too."""
    reading = read(text)
    assert reading.kind.revokes
    assert reading.everything is everything


S, T, H, Y = Word.STOP, Word.START, Word.HELP, Word.YES
MATRIX = [
    *((None, "STOP", S), (None, "START", T), (None, "hm", Word.UNCLEAR), ("", "STOP", S), ("OTHER", "STOP", S)),
    *(("STOP", "STOP", S), ("STOP", "START", S), ("STOP", "YES", S), ("STOP", "", S), ("STOP", "ok", S)),
    *(("stop ", "join", S), ("STOP", "cancel", Word.CANCEL_STOP), ("STOP", "wrong number", Word.WRONG_NUMBER)),
    *(("START", "STOP", S), ("START", "start", T), ("START", "JOIN", T), ("START", "YES", Y), ("START", "", T)),
    *(("START", "stop please", S), ("START", "cancel", Word.CANCEL_STOP)),
    *(("HELP", "STOP", S), ("HELP", "help", H), ("HELP", "AIUTO", H), ("HELP", "", H), ("HELP", "start", H)),
]


@pytest.mark.parametrize(("opt_out_type", "body", "kind"), MATRIX)
def test_either_side_saying_stop_wins(opt_out_type, body, kind):
    """Rule 24: the provider's OptOutType when present, else our words; STOP from either."""
    assert read(body, opt_out_type).kind is kind


@pytest.mark.parametrize("word", sorted(TWILIO_STOP | TWILIO_START | TWILIO_HELP))
def test_what_twilio_answers_by_itself_is_a_whole_message_here(word):
    """Rules 18, 23: only a whole single keyword may have been answered already."""
    assert read(word).whole_message
    assert read(word).kind is not Word.UNCLEAR


SINGLE = [EVERY.stop, EVERY.stop_alone, EVERY.start, EVERY.help_words, EVERY.yes]
SIDE_BY_SIDE = EVERY.stop_phrases | EVERY.stop_alone_phrases | EVERY.wrong_number
STEPS = [step for pattern in EVERY.stop_patterns | EVERY.wrong_patterns for step in pattern.steps]
OURS = set().union(*SINGLE, *SIDE_BY_SIDE, *STEPS)


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=80), st.sampled_from([None, "STOP", "START", "HELP", "x"]))
def test_any_text_can_be_read_and_only_our_own_words_come_back(text, opt_out_type):
    """P9: hostile input never raises, and what matched is ours, never the client's free text."""
    matched = read(text, opt_out_type).matched
    assert matched in {"", "OptOutType"} or set(matched.split()) <= OURS


def test_a_clinics_own_words_only_add():
    """Rule 16: configurable upwards only; every listed word still revokes."""
    wider = EVERY.with_stop("Genugtuung", "lass gut sein", "")
    assert read("genugtuung", lexicon=wider).kind is Word.STOP
    assert read("ach weisst du lass gut sein mit euch allen dort", lexicon=wider).kind is Word.STOP
    assert all(read(word, lexicon=wider).kind.revokes for word in ALWAYS)
    assert read("genugtuung").kind is Word.UNCLEAR


@given(st.sampled_from(ALWAYS), st.frozensets(st.sampled_from(["mehr", "bitte", "aufhören"])))
def test_another_language_joins_without_taking_away(word, words):
    """Rule 16: a joined lexicon reads every listed word as before."""
    assert read(word, lexicon=BASE.joined(Lexicon(stop=frozenset(map(folded, words))))).kind.revokes


def every_entry():
    for language, lexicon in LANGUAGES.items():
        for entry in lexicon.stop | lexicon.stop_alone:
            yield language, entry
        for phrase in lexicon.stop_phrases | lexicon.stop_alone_phrases | lexicon.wrong_number:
            yield language, " ".join(phrase)
        for pattern in lexicon.stop_patterns | lexicon.wrong_patterns:
            for said in product(*pattern.steps):
                if pattern.unless.isdisjoint(said):
                    yield language, " ".join(said)


def test_every_entry_of_every_language_revokes_beside_all_the_others():
    """Rule 16: joined, no language's harmless words or courtesy swallow another's revocation (Spanish and Portuguese
    "para": for, and stop)."""
    assert [entry for entry in every_entry() if not read(entry[1]).kind.revokes] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_negation_is_a_plain_word(language):
    """Rule 17: a "no" that were plain would let "no, I do not" pass."""
    for tongue in LANGUAGES[language].tongues:
        assert tongue.plain.isdisjoint(tongue.negations)
        assert tongue.symptoms.isdisjoint(tongue.negations)


def test_a_very_long_message_is_never_taken_as_harmless():
    """Rule 17: what stands beyond the 1,600 characters a provider delivers is not read, so a person reads it."""
    assert read("ok, " * (LONGEST // 4)).kind is Word.NONE
    assert read("ok, " * (LONGEST // 4) + "stop").kind is Word.UNCLEAR
    assert read("stop, " * LONGEST).kind is Word.STOP


@pytest.mark.parametrize("said", ["start", "YES", "help"])
def test_the_unread_end_of_a_long_message_may_take_back_its_beginning(said):
    """Rules 17, 30: "START", a screen of blanks, "sending this to somebody else" brings nobody back."""
    assert read(said + " " * LONGEST + "but no more, stop").kind is Word.UNCLEAR


@pytest.mark.parametrize("text", ["a." * 800, "xqzvkwqp " * 177, "no " * 533, "dont you " * 177, "\u200b" * 1600])
def test_a_hostile_text_is_read_with_bounded_work(text):
    """P12: no text makes the reader compare without end; the webhook answers before the provider gives up."""
    calls = 0

    def count(frame, event, arg):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        read(text)
    finally:
        sys.setprofile(None)
    assert calls < 40_000
