#!/bin/sh
# Removes from an environment what no pipeline imports. docs/image.md says what each part weighs.
set -eu
packages=$1/lib/python3.11/site-packages
# Headers to build C++ extensions with.
rm -rf "$packages"/tensorflow/include
# The packages' own tests. numpy, scipy and tfx import helpers from `testing`, which stay.
find "$packages" -type d -name tests -prune -exec rm -rf {} +
# Symbols that only a debugger or a linker reads.
find "$packages"/tensorflow "$packages"/tensorflow_data_validation "$packages"/ml_metadata "$packages"/tfx_bsl \
  -name '*.so*' -type f -exec strip --strip-unneeded {} +
