"""Why an account is in a segment or not, and what each clause of a segment does to all of them."""
