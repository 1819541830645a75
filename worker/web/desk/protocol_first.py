"""What a correction begins with, so that its writer starts from what every text must hold (rules 35, 36, 41)."""

from __future__ import annotations

FIRST = {
    "en": {
        "sms": "{{ clinic_name }}: please read this instead of our last note: {{ care_url }} Urgent? Call"
        " {{ clinic_phone }}. Reply STOP to end.",
        "subject": "A correction from {{ clinic_name }}",
        "text": "Hello {{ first_name }},\n\nOne of our last notes was not right. Please go by this one instead:\n\n"
        "...\n\nIs it urgent, or are you unsure? Call {{ clinic_phone }}.\n\n--\n{{ clinic_name }}\n"
        "{{ clinic_address }}\nYour care page: {{ care_url }}\nEnd these emails: {{ unsubscribe_url }}\n",
        "html": "<p>Hello {{ first_name }},</p>\n<p>One of our last notes was not right. Please go by this one"
        " instead:</p>\n<p>...</p>\n<p>Is it urgent, or are you unsure? Call {{ clinic_phone }}.</p>\n"
        '<p>{{ clinic_name }}<br>{{ clinic_address }}</p>\n<p><a href="{{ care_url }}">Your care page</a></p>\n'
        '<p><a href="{{ unsubscribe_url }}">End these emails</a></p>\n',
    },
    "es": {
        "sms": "{{ clinic_name }}: lea esto en lugar de nuestra nota anterior: {{ care_url }} Urgente? Llame al"
        " {{ clinic_phone }}. Responda STOP para terminar.",
        "subject": "Una aclaración de {{ clinic_name }}",
        "text": "Hola, {{ first_name }}:\n\nUna de nuestras notas no era correcta. Siga esta en su lugar:\n\n"
        "...\n\n¿Es urgente o tiene dudas? Llame al {{ clinic_phone }}.\n\n--\n{{ clinic_name }}\n"
        "{{ clinic_address }}\nSu página de cuidados: {{ care_url }}\nTerminar estos correos: {{ unsubscribe_url }}\n",
        "html": "<p>Hola, {{ first_name }}:</p>\n<p>Una de nuestras notas no era correcta. Siga esta en su"
        " lugar:</p>\n<p>...</p>\n<p>¿Es urgente o tiene dudas? Llame al {{ clinic_phone }}.</p>\n"
        '<p>{{ clinic_name }}<br>{{ clinic_address }}</p>\n<p><a href="{{ care_url }}">Su página de cuidados</a></p>\n'
        '<p><a href="{{ unsubscribe_url }}">Terminar estos correos</a></p>\n',
    },
}
