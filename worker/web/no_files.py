"""Nobody may leave a file but on the page that asks for one: no byte of it is kept, and the form learns of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers

if TYPE_CHECKING:
    from django.http import HttpRequest

MARK = "aftercare.file"


class NoFiles(FileUploadHandler):
    """Lets a file pass by; a STOP that comes beside one is obeyed all the same."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Note that there is one."""
        super().new_file(*args, **kwargs)
        if self.request is not None:
            self.request.META[MARK] = True
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep none of it."""

    def file_complete(self, file_size: int) -> None:
        """Give none to the form."""


def left_a_file(request: HttpRequest) -> bool:
    """True when a file stood in the form that was read."""
    return MARK in request.META
