"""Words in a reply that a person at the clinic must see at once; nothing is concluded from them (rule 41).

Our own collection, folded: no case, no accents. An entry ending in * is a beginning. In doubt a word is in: an alarm
too many costs a call, one too few may cost a wound.
"""

from __future__ import annotations

import re

from worker.rules.lexicon import folded

RED_FLAGS = (
    # English
    "bleed*, blood*, fever*, feverish, pus, puss, infect*, ooz*, weeping, abscess*, septic, sepsis, unconscious, "
    "faint*, passed out, collapsed, cant breathe, trouble breathing, short of breath, throat closing, chest pain, "
    "allergic, anaphyla*, hives, blister*, burning up, chills, necro*, turned black, gone black, emergency, ambulance, "
    "unbearable, excruciating, getting worse, much worse, spreading, spreads, burns badly, "
    "darken*, darker, discolo*, scar, scars, scarr*, "
    # Spanish
    "sangr*, hemorragia*, fiebre, pus, infec*, supura*, absceso*, desmay*, no puedo respirar, alergi*, ampolla*, "
    "escalofrio*, emergencia, urgencia*, ambulancia, insoportable, empeor*, "
    "oscurec*, mas oscur*, cicatri*, se extiend*, se esta extendiendo, se expande*, "
    # French
    "saign*, sang, hemorragie*, fievre, infect*, suppur*, abces, evanoui*, respirer, allergi*, cloque*, frissons, "
    "urgence*, ambulance, insupportable, empire, "
    "fonce*, noirci*, s etend*, setend*, se propage*, "
    # German
    "blut*, fieber, eiter*, entzund*, infekt*, infiziert, abszess*, ohnmacht*, atemnot, keine luft, allergi*, blasen, "
    "schuttelfrost, notfall, notarzt, krankenwagen, unertraglich, schlimmer, "
    "dunkler, verfarb*, narbe*, vernarb*, breitet sich*, ausbreit*, "
    # Portuguese
    "sangue, hemorragia, febre, infec*, desmai*, nao consigo respirar, bolhas, calafrio*, emergencia, insuportavel, "
    "pior*, escurec*, mais escur*, espalha*, alastra*, "
    # Italian
    "sanguin*, sangue, emorragia, febbre, infett*, infezion*, sven*, non riesco a respirare, bolle, brividi, "
    "emergenza, ambulanza, insopportabile, peggior*, "
    "scuri*, piu scur*, si allarga*, si estende*, si espande*"
)
_FLAG = re.compile(
    r"(?<!\w)(?:"
    + "|".join(
        re.escape(entry.strip().rstrip("*")).replace(r"\ ", r"[\W_]+") + r"\w*" * entry.strip().endswith("*")
        for entry in RED_FLAGS.split(",")
    )
    + r")(?!\w)"
)
LONGEST = 1600  # characters; a provider delivers no more


def is_red_flag(text: str) -> bool:
    """True when a person must read this reply at once."""
    return bool(_FLAG.search(folded(text[:LONGEST])))
