"""Who signs in, and with what: a pretend clinic's own password."""

import base64

PASSWORD = "a calm desk in spring"
SAM, OKAFOR, OWNER = "sam@lakeside.example", "okafor@lakeside.example", "olive@lakeside.example"
TILDA = "tilda@lakeside.example"  # an app that shows codes, and recovery codes
APP = base64.b32encode(b"Tilda's pretend app.").decode()
PIA = "pia@lakeside.example"  # once she has a passkey, the password alone opens nothing any more
