#!/usr/bin/env bash
# The version of this commit from the nearest tag: v1.2.3 on the tag itself, 1.2.3-dev.N after N further commits, 0.1.0-dev.N without a tag.
set -euo pipefail
cd "$(dirname "$0")/.."
if tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null); then
    commits=$(git rev-list --count "$tag..HEAD")
    if [ "$commits" -eq 0 ]; then echo "${tag#v}"; else echo "${tag#v}-dev.$commits"; fi
else
    echo "0.1.0-dev.$(git rev-list --count HEAD 2>/dev/null || echo 0)"
fi
