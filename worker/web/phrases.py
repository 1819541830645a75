"""What the public pages say around a clinic's own words, in the languages our texts speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.rules.names import Channel, Purpose

ENGLISH, SPANISH = "en", "es"

_SAID = {
    ENGLISH: {
        "email_what": "emails",
        "sms_what": "text messages",
        "stop_title": "End {what} from {clinic}?",
        "stop_lead": "Press the button, and {clinic} sends no more {what} to {address}.",
        "stop_what": "That ends the care notes and the reminders that come to this address. Your visits and your care"
        " stay exactly as they are.",
        "stop_button": "End these {what}",
        "ended_title": "You will get no more {what}",
        "ended_lead": "{clinic} sends no more {what} to {address}: no care notes and no reminders. This counts from"
        " now on.",
        "ended_again": "If you ever want anything again, call {phone} or ask at the front desk. You can close this"
        " page.",
        "last_email": "One last email may confirm it.",
        "choices_title": "Your choices",
        "choices_lead": "Each choice counts at once. Your visits and your care stay exactly as they are.",
        "email_to": "Emails to {address}",
        "sms_to": "Text messages to {address}",
        "aftercare": "Care notes",
        "reminders": "Reminders of your visits",
        "marketing": "Offers and news",
        "some_aftercare": "care notes",
        "some_reminders": "reminders of your visits",
        "some_marketing": "offers and news",
        "by_email": "by email",
        "by_sms": "by text message",
        "on": "on",
        "off": "off",
        "waiting": "on hold for now",
        "end_one": "End {which}",
        "ended_one_title": "You will get no more {which}",
        "ended_one_lead": "{clinic} sends you no more {which}. This counts from now on.",
        "everything_button": "Stop everything",
        "everything_what": "No more emails and no more text messages from {clinic}, at any address it has of yours.",
        "everything_title": "Everything is stopped",
        "everything_lead": "{clinic} sends you no more messages: no emails and no text messages. This counts from now"
        " on.",
        "language_heading": "Language of your messages",
        "language_button": "Send me messages in English",
        "language_title": "Your messages now come in English",
        "language_lead": "This counts for every message that has not left yet.",
        "still_title": "What still comes",
        "still_nothing": "Nothing more comes from {clinic}.",
        "back": "See all your choices",
        "your_address": "your address",
        "yes_title": "May {clinic} send {what} to {address}?",
        "yes_lead": "Care notes after a visit, and reminders of the next one. Nothing comes before you say yes.",
        "yes_button": "Yes, write to me",
        "yes_what": "Saying yes is your free choice: your visits and your care stay the same either way. You can end"
        " the messages at any time. To say no, simply close this page.",
        "agreed_title": "Thank you, you will get our {what}",
        "agreed_lead": "They come to {address}. You can end them at any time, with the link at the foot of every"
        " email or by answering STOP to a text.",
        "yes_over_title": "There is nothing to confirm here any more",
        "yes_over_lead": "The time for this answer is over, or the messages were ended. If you want them, call"
        " {phone} or ask at the front desk.",
        "gone_title": "There is nothing at this address",
        "gone_lead": "The link may have been cut off on its way. Please open it once more from the message itself.",
        "gone_stop": "To end text messages you can also answer STOP to any of them.",
        "call": "Call",
        "page_title": "Your care page",
        "plan_title": "Your plan, day by day",
        "reading_now": "you are reading this",
        "asked_title": "How is it going?",
        "asked_lead": "Tap an answer to each. A person reads them; they are no diagnosis.",
        "yes": "Yes",
        "no": "No",
        "asked_button": "Send my answers",
        "asked_missing": "Please answer this one too.",
        "from_us": "This page is yours alone. It is kept by {clinic}.",
        "calendar": "Put your next visit into your calendar",
        "pause_title": "Please call us about your care",
        "pause_lead": "{clinic} is going over these notes just now, so they are not shown. Your team will gladly"
        " answer you on the phone.",
        "urgent": "If something feels urgent, do not wait: call {phone}, or your local emergency number.",
        "changed": "Something about this visit has changed since that message was written. Please call us if you are"
        " unsure.",
    },
    SPANISH: {
        "email_what": "correos",
        "sms_what": "mensajes de texto",
        "stop_title": "¿Terminar los {what} de {clinic}?",
        "stop_lead": "Pulse el botón y {clinic} no enviará más {what} a {address}.",
        "stop_what": "Con eso terminan las notas de cuidado y los recordatorios que llegan a esta dirección. Sus citas"
        " y su atención siguen exactamente igual.",
        "stop_button": "Terminar estos {what}",
        "ended_title": "Ya no recibirá más {what}",
        "ended_lead": "{clinic} no enviará más {what} a {address}: ni notas de cuidado ni recordatorios. Vale desde"
        " ahora.",
        "ended_again": "Si algún día quiere algo de nuevo, llame al {phone} o pregunte en recepción. Puede cerrar esta"
        " página.",
        "last_email": "Puede llegar un último correo que lo confirme.",
        "choices_title": "Sus opciones",
        "choices_lead": "Cada elección vale al momento. Sus citas y su atención siguen exactamente igual.",
        "email_to": "Correos a {address}",
        "sms_to": "Mensajes de texto a {address}",
        "aftercare": "Notas de cuidado",
        "reminders": "Recordatorios de sus citas",
        "marketing": "Ofertas y novedades",
        "some_aftercare": "notas de cuidado",
        "some_reminders": "recordatorios de sus citas",
        "some_marketing": "ofertas y novedades",
        "by_email": "por correo",
        "by_sms": "por mensaje de texto",
        "on": "activado",
        "off": "desactivado",
        "waiting": "en espera por ahora",
        "end_one": "Dejar de recibir {which}",
        "ended_one_title": "Ya no recibirá más {which}",
        "ended_one_lead": "{clinic} no le enviará más {which}. Vale desde ahora.",
        "everything_button": "Terminar todo",
        "everything_what": "Ni correos ni mensajes de texto de {clinic}, en ninguna dirección suya que tenga.",
        "everything_title": "Todo ha terminado",
        "everything_lead": "{clinic} no le enviará más mensajes: ni correos ni mensajes de texto. Vale desde ahora.",
        "language_heading": "Idioma de sus mensajes",
        "language_button": "Quiero los mensajes en español",
        "language_title": "Sus mensajes llegarán en español",
        "language_lead": "Vale para todos los mensajes que aún no han salido.",
        "still_title": "Lo que sigue llegando",
        "still_nothing": "No llegará nada más de {clinic}.",
        "back": "Ver todas sus opciones",
        "your_address": "su dirección",
        "yes_title": "¿Puede {clinic} enviar {what} a {address}?",
        "yes_lead": "Notas de cuidado después de una visita y recordatorios de la siguiente. Nada llega antes de su"
        " sí.",
        "yes_button": "Sí, escríbanme",
        "yes_what": "Decir que sí es decisión suya: sus citas y su atención siguen igual en todo caso. Puede terminar"
        " los mensajes cuando quiera. Para decir que no, basta con cerrar esta página.",
        "agreed_title": "Gracias, recibirá nuestros {what}",
        "agreed_lead": "Llegan a {address}. Puede terminarlos cuando quiera, con el enlace al final de cada correo o"
        " respondiendo STOP a un mensaje.",
        "yes_over_title": "Aquí ya no hay nada que confirmar",
        "yes_over_lead": "El plazo para responder terminó, o los mensajes se dieron por terminados. Si los quiere,"
        " llame al {phone} o pregunte en recepción.",
        "gone_title": "Aquí no hay nada",
        "gone_lead": "Puede que el enlace se haya cortado por el camino. Ábralo otra vez desde el propio mensaje.",
        "gone_stop": "Para terminar los mensajes de texto también puede responder STOP a cualquiera de ellos.",
        "call": "Llamar",
        "page_title": "Su página de cuidados",
        "plan_title": "Su plan, día por día",
        "reading_now": "lo que está leyendo",
        "asked_title": "¿Cómo va?",
        "asked_lead": "Toque una respuesta en cada pregunta. Las lee una persona; no son un diagnóstico.",
        "yes": "Sí",
        "no": "No",
        "asked_button": "Enviar mis respuestas",
        "asked_missing": "Responda también a esta.",
        "from_us": "Esta página es solo suya. La guarda {clinic}.",
        "calendar": "Añadir su próxima cita a su calendario",
        "pause_title": "Por favor, llámenos sobre sus cuidados",
        "pause_lead": "{clinic} está revisando estas notas en este momento, por eso no se muestran. Su equipo le"
        " atenderá con gusto por teléfono.",
        "urgent": "Si algo le parece urgente, no espere: llame al {phone} o al número de emergencias de su zona.",
        "changed": "Algo de esta visita ha cambiado desde que se escribió el mensaje. Llámenos si tiene dudas.",
    },
}

LANGUAGES = tuple(_SAID)


def spoken(language: str) -> str:
    """The page's language for a client's: Spanish for Spanish, else English."""
    return SPANISH if language.partition("-")[0] == SPANISH else ENGLISH


def say(language: str, **values: str) -> dict[str, str]:
    """Every phrase in one language with clinic, phone, address, what and which filled in; the template escapes."""
    words = _SAID[spoken(language)]
    known = {"clinic": "", "phone": "", "address": words["your_address"], "what": "", "which": "", **values}
    return {name: text.format_map(known) for name, text in words.items()}


def what(language: str, channel: Channel) -> str:
    """What comes by a channel, in the plural: "emails", "mensajes de texto"."""
    return _SAID[spoken(language)][f"{channel}_what"]


def which(language: str, channel: Channel, purpose: Purpose) -> str:
    """What comes for one purpose by a channel: "care notes by email", "notas de cuidado por correo"."""
    words = _SAID[spoken(language)]
    return f"{words[f'some_{purpose}']} {words[f'by_{channel}']}"
