"""Cases: rules, small tables, and the accounts that belong; the format of `dsl/conformance`."""
