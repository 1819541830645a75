"""Who signs in, and with what: a pretend clinic's own password."""

PASSWORD = "a calm desk in spring"
SAM, OKAFOR, OWNER = "sam@lakeside.example", "okafor@lakeside.example", "olive@lakeside.example"
PIA = "pia@lakeside.example"  # once she has a passkey, the password alone opens nothing any more
