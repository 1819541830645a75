"""What staff began, and where a client's own links lead; runs inside a house, prints JSON.

python -m tests.browser.begun CLIENT
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from allauth.account.forms import default_token_generator  # noqa: E402
from allauth.account.utils import user_pk_to_url_str  # noqa: E402

from tests.browser import signed  # noqa: E402
from tests.processes import people  # noqa: E402
from worker import clock, tokens  # noqa: E402
from worker.actions.clients import self_enrol  # noqa: E402
from worker.actions.imports import stage  # noqa: E402
from worker.actions.imports.work import work  # noqa: E402
from worker.actions.protocols.write import write_step  # noqa: E402
from worker.actions.staff import accounts  # noqa: E402
from worker.models import Client, ImportBatch, ProtocolVersion, Staff  # noqa: E402
from worker.models.staff import Role  # noqa: E402
from worker.rendering import version  # noqa: E402

SMS = "{{ clinic_name }}: your next days, in short: {{ care_url }} Urgent? Call {{ clinic_phone }}. Reply STOP to end."
ROWS = """external_id,given_name,family_name,mobile,consent_sms_aftercare,consent_at,consent_method
N-1,Ines,Roca,(212) 555-0131,yes,2027-01-10,paper
N-2,Jana,Kohl,(212) 555-0132,no,,
N-3,Kira,Lund,12,yes,2027-01-10,paper
"""

now, sam = clock.now(), Staff.objects.select_related("clinic").get(email=signed.SAM)
fields = {
    "protocol": people.PROTOCOL, "treated_day": f"{now:%Y-%m-%d}", "treated_time": "08:00", "zone": "America/New_York",
    "language": "en", "external_id": "desk-of-her-own", "practitioner": "", "name": "Nora Lind",
}  # fmt: skip
link = "/e/" + self_enrol.begin(staff=sam, fields=fields)
newest = ProtocolVersion.objects.filter(protocol__clinic=sam.clinic, protocol__code=people.PROTOCOL).latest("number")
draft, _ = write_step(  # whatever another test of this house has saved before
    clinic=sam.clinic, code=people.PROTOCOL, from_version=newest.number, step="day-7",
    said={"sms.en": SMS, "when": "7 11:00"}, by=signed.OKAFOR, now=now,
)  # fmt: skip


def brought() -> ImportBatch:
    """The file, waiting for its columns."""
    return stage.stage(clinic=sam.clinic, by=signed.SAM, raw=ROWS.encode(), now=now)


read, fresh = brought(), brought()
heads = stage.heads_of(read)
mapping = {column: heads[place] for column, place in read.mapping.items()}
stage.read_as(clinic=sam.clinic, batch_id=read.pk, by=signed.SAM, mapping=mapping, defaults={})
work(longest=60.0, now=now, machine=clock.machine(), batch_id=read.pk)
first = draft.protocol.versions.get(number=1)
client = Client.objects.get(pk=int(sys.argv[1]))
care, address = client.links.get().key, client.contacts.filter(link_key__isnull=False).first()
guest = accounts.invite(
    clinic_id=sam.clinic_id, email="gwen@lakeside.example", name="Gwen Guest", roles=[Role.DESK], by="tests"
)
again = default_token_generator.make_token(guest.staff)
steps = {code: version(first.document).source.step(code).rule.ordinal for code in ("same-day", "day-1")}
print(
    json.dumps(
        {
            "link": link, "protocol": draft.protocol_id, "version": first.pk, "file": read.pk, "fresh": fresh.pk,
            "plan": f"/c/{tokens.make('c', care)}",
            "care": f"/c/{tokens.make('c', care, steps['same-day'])}",
            "checkin": f"/c/{tokens.make('c', care, steps['day-1'])}",
            "leave": f"/u/{tokens.make('u', address.link_key)}",
            "yes": f"/y/{tokens.make('y', address.link_key)}",
            "invitation": f"/invitation/{guest.uid}/{guest.token}",
            "new-password": f"/account/password/forgotten/{user_pk_to_url_str(guest.staff)}-{again}",
            "guest": guest.staff.pk,
        }
    )
)  # fmt: skip
