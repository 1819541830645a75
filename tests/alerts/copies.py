"""A cold copy of the database is made, and minutes later it is put in the place of the one that lived on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.alerts.watch import Watch


def a_copy_is_made(watch: Watch) -> None:
    """With the server stopped, as a snapshot of its disk would be."""
    with watch.house.without_database():
        watch.house.server.copy()


def the_copy_is_put_back(watch: Watch) -> None:
    """The worker dies with the server, and begins anew at the copy."""
    house = watch.house

    def deed() -> None:
        with house.without_database():
            house.server.put_back()
            house.replace_part("worker", *next(part.argv for part in house.parts() if part.name == "worker"))

    watch.causes(deed, "HeldAfterRestore")
