"""The words a lint looks for, as data: English and Spanish, folded (no case, no accents).

An entry ending in * is a beginning; every other entry is whole words.
"""

from __future__ import annotations

import re

# Rule 37: an SMS or a subject lies open on a locked screen.
HEALTH = (
    "needling, microneedl*, micro needl*, needle*, stretch mark*, stretchmark*, striae, scar, scars, scarr*, skin*, "
    "wound*, dermat*, derma, dermaroll*, collagen, elastin, botox, filler*, inject*, laser*, peel, peels, peeling, "
    "acne, eczema, psoriasis, rosacea, melasma, pigment*, redness, swelling, swollen, bleed*, bruis*, infect*, pus, "
    "fever, heal, heals, healing, healed, numbing, anaesth*, anesth*, serum*, sunscreen, spf, sunburn, surgery, "
    "surgical, diagnos*, symptom*, side effect*, chlorhexidine, medicine*, medication*, antibiotic*, aesthetic*, "
    "cosmetic*, abdomen, abdominal, belly, stomach, tummy, thigh*, hip, hips, breast*, buttock*, chest, face, facial*, "
    "legs, lips, pregnan*, "
    "estria*, microaguja*, micro aguja*, aguja*, micropuncion*, cicatri*, piel, cutane*, herida*, colageno, elastina, "
    "inyec*, relleno*, exfolia*, eccema, rosacea, pigmenta*, enrojec*, rojez, hinch*, sangr*, moreton*, infecc*, "
    "fiebre, cura, curacion, anestesi*, protector solar, quemadura*, cirugia, quirurgic*, diagnostic*, sintoma*, "
    "efecto secundario, efectos secundarios, clorhexidina, medicamento*, antibiotico*, estetic*, cosmetic*, vientre, "
    "barriga, muslo*, cadera*, senos, pecho*, gluteo*, nalga*, cara, rostro, piernas, labios, embaraz*"
)

# Rule 13: any of these makes the whole text marketing, which needs written consent of its own.
MARKETING = (
    "price*, pricing, offer, offers, special offer*, discount*, deal, deals, promo*, coupon*, voucher*, gift card*, "
    "book now, buy, purchase*, shop*, on sale, flash sale, sale ends, sale now, limited time, only today, today only, "
    "for free, free session*, free gift*, free consultation*, save up, loyalty, reward*, refer a friend, "
    "membership*, upgrade*, best value, bargain*, cheap*, package deal*, order now, "
    "precio*, lista de tarifas, tarifas desde, oferta*, descuento*, rebaja*, promocion*, cupon*, vale regalo, "
    "tarjeta regalo, reserve ya, reserva ya, reserve ahora, reserva ahora, compre, compra, comprar, tienda*, "
    "gratis, gratuit*, solo hoy, tiempo limitado, ahorr*, fidelidad, recompensa*, recomiende a un amigo, barat*, "
    "ganga*, socio*"
)

# Rule 35: a sentence with one of the first and one of the second threatens, unless it says that nothing changes.
LEAVING = (
    "stop, stops, stopping, opt out, opting out, opted out, unsubscrib*, quit, revok*, withdraw*, leave, leaving, "
    "se da de baja, darse de baja, dejar de recibir, deja de recibir, cancelar, revoc*, retir*"
)
PUNISHING = (
    "cannot treat, cant treat, will not treat, wont treat, not be able to, refuse*, lose, losing, fee, fees, charge*, "
    "penalt*, worse, at your own risk, delay, cancel your, end your, poor result*, no longer care, not responsible, "
    "guarantee*, warranty, affect your, no longer be treated, no longer treat, not treat, "
    "perder*, pierde*, cobr*, cargo*, multa*, penaliz*, empeor*, bajo su propio riesgo, no podremos, garantia*, "
    "no atender*, no le atender*, no trat*, retras*, afectara"
)
REASSURING = (
    "not affect, not affected, never affects, does not change, will not change, nothing changes, no fee, no charge, "
    "no afecta, no afectara, no cambia, no cambiara, sin cargo, sin coste"
)

SHORTENERS = frozenset(
    [
        *("bit.ly", "tinyurl.com", "goo.gl", "t.co", "short.io", "twil.io", "ow.ly", "is.gd", "buff.ly", "rebrand.ly"),
        *("cutt.ly", "rb.gy", "shorturl.at", "bl.ink", "tiny.cc", "t.ly", "lnkd.in", "s.id", "v.gd", "adf.ly"),
        *("dub.sh", "l.ead.me", "qr.ae", "soo.gd", "j.mp", "trib.al", "x.co", "po.st", "urlz.fr", "wa.me"),
    ]
)


def pattern(entries: str) -> re.Pattern[str]:
    """Compile a list above into one pattern over folded text."""
    parts = [entry.strip() for entry in entries.split(",")]
    written = "|".join(
        re.escape(part.rstrip("*")).replace(r"\ ", r"[\s-]+") + r"\w*" * part.endswith("*") for part in parts
    )
    return re.compile(rf"(?<!\w)(?:{written})(?!\w)")
