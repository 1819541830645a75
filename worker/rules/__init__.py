"""The rules of the house: pure, without Django, I/O or a clock; `now` is always an argument."""
