"""Columnar ExampleGen: converts a span's CSV or Parquet files by Arrow to split `tf.Example`s."""
