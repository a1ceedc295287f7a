"""The rules for values, shared by ingestion, landing, client, labels and monitoring.

A **whole number** is ASCII digits with an optional sign; a point and an exponent are allowed if
they leave no fraction, so `5`, `+5`, `05`, `5.0` and `1e1` are whole, exactly, within 64 bits. A
**number** may have a fraction, and may be `nan` or `inf`. Surrounding white space is ignored.
`true` and `false` (also `True`, `TRUE`) are 1 and 0, like booleans. Nothing else is a number:
neither `1_0`, `0x1F`, `1,5` and `1 000`, nor digits of other scripts. Numbers are never rounded to
be whole, and never become infinite.

A **moment** is ISO-8601 (`2016-01-31`, `2016-01-31T12:30:00+01:00`), UTC if it has no zone, or a
number of seconds since 1970-01-01 UTC, in the years 1 to 9999: milliseconds are refused. Where a
whole number is expected, a moment is its seconds.

A **missing value** is null, or text that is exactly one of the tokens for it.

`values` parses one value, `columns` a column of Arrow, by the same rules. Neither needs TensorFlow.
"""
