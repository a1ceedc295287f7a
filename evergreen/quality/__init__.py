"""What a value is: one rule for ingestion, landing, client, labels and monitoring.

A **whole number** is ASCII digits with an optional sign; a point and an exponent may stand if they
leave no fraction, so `5`, `+5`, `05`, `5.0` and `1e1` are whole, exactly, within 64 bits. A
**number** may have a fraction, and may be `nan` or `inf`. White space around is left out. `true`
and `false` (also `True`, `TRUE`) are 1 and 0, as a column of booleans is. Nothing else is a number:
neither `1_0`, `0x1F`, `1,5` and `1 000`, nor digits of other scripts. A number is never rounded to
be whole, and never becomes infinite.

A **moment** is ISO-8601 (`2016-01-31`, `2016-01-31T12:30:00+01:00`), UTC if it names no zone, or a
number of seconds since 1970-01-01 UTC, of the years 1 to 9999: milliseconds are none.

A **missing value** is null, or text that is exactly one of the tokens that stand for it.

`values` reads one value, `columns` a column of Arrow, by the same rule. Neither needs TensorFlow.
"""
