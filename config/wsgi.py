"""The web part, for gunicorn."""

from __future__ import annotations

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# While one thread obeys a STOP it waits for the database some twenty times, and each time it must get its turn back
# from whichever thread computes: at Python's usual 5 ms a turn the clinic's chain would stay locked for a tenth of a
# second.
sys.setswitchinterval(0.0005)
application = get_wsgi_application()

# Django would read them at the first request, and every page with them: a second in which a STOP waited.
import config.urls  # noqa: E402, F401
from worker import traces  # noqa: E402 - it asks the settings
from worker.web import obeyed  # noqa: E402 - it needs the applications

traces.begin()  # after gunicorn's fork: the application is loaded in each worker
obeyed.tidy_beside()
