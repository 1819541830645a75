"""Strict shapes of the files people hand in: enrolment, clinic and protocol."""
