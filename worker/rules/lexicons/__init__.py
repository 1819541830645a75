"""The six languages our clients write in, joined to the words that law and carriers dictate (rules 16, 17)."""

from __future__ import annotations

from worker.rules.lexicon import BASE
from worker.rules.lexicons import de, en, es, fr, it, pt

LANGUAGES = {"en": en.LEXICON, "es": es.LEXICON, "fr": fr.LEXICON, "de": de.LEXICON, "pt": pt.LEXICON, "it": it.LEXICON}

EVERY = BASE
for _language in LANGUAGES.values():
    EVERY = EVERY.joined(_language)
