"""Alice, her course begun, and Dr Okafor and Sam who agreed to be called."""

from __future__ import annotations

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW, OKAFOR, SAM
from worker.actions.converse.on_call import agree

OKAFORS_PHONE, SAMS_PHONE = "+12125550190", "+12125550191"


@pytest.fixture
def alice(house):
    """Alice, on both channels, her opt-in confirmations accepted."""
    client = builders.alice().client
    post.confirmed(NOW)
    return client


@pytest.fixture
def on_call(house):
    """Both phones, by the consent of each."""
    return [
        agree(clinic=house.lakeside, by=by, address=phone, affirmed=True, now=NOW)
        for by, phone in ((OKAFOR, OKAFORS_PHONE), (SAM, SAMS_PHONE))
    ]
