#!/bin/sh
# Removes files that no pipeline imports from an environment. docs/image.md lists their sizes.
set -eu
packages=$1/lib/python3.11/site-packages
# Headers for building C++ extensions.
rm -rf "$packages"/tensorflow/include
# The packages' tests. numpy, scipy and tfx import helpers from `testing`, which stay.
find "$packages" -type d -name tests -prune -exec rm -rf {} +
# Symbols for debuggers and linkers.
find "$packages"/tensorflow "$packages"/tensorflow_data_validation "$packages"/ml_metadata "$packages"/tfx_bsl \
  -name '*.so*' -type f -exec strip --strip-unneeded {} +
