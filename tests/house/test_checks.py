"""Django's own checks of models, pages and settings: a worker skips them at its start, so they are run here."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


@pytest.mark.django_db
def test_django_has_nothing_against_the_house():
    """Models, URLs, middleware, translations and the packages' own settings, as `manage.py check` would."""
    assert [str(each) for each in run_checks()] == []
