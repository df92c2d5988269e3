#!/usr/bin/env bash
# Packs every package into a folder: packaging/pack.sh OUT [VERSION]. The version comes from git's tags (packaging/version.sh) unless it is given.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
out=${1:?usage: packaging/pack.sh OUT [VERSION]}
version=${2:-$("$repo/packaging/version.sh")}
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# Assembly versions hold no label, and no part above 65535.
numbers=$(echo "${version%%[-+]*}" | awk -F. '{ printf "%d.%d.%d.0", $1, $2, $3 % 65536 }')
dotnet pack "$repo/D2Pruner.AI.sln" -c Release -o "$out" -p:Version="$version" -p:AssemblyVersion="$numbers" -p:FileVersion="$numbers" -p:ContinuousIntegrationBuild=true

# The same commit gives the same bytes: entries in one order, with the commit's time (NuGet writes the clock's).
if command -v zip > /dev/null && command -v unzip > /dev/null; then
    epoch=${SOURCE_DATE_EPOCH:-$(git -C "$repo" log -1 --format=%ct 2>/dev/null || echo 1000000000)}
    stamp=$(date -u -d "@$epoch" +%Y%m%d%H%M.%S 2>/dev/null || date -u -r "$epoch" +%Y%m%d%H%M.%S)
    for package in "$(cd "$out" && pwd)"/*."$version".*nupkg; do
        content=$(mktemp -d)
        unzip -q "$package" -d "$content"
        find "$content" -exec env TZ=UTC touch -t "$stamp" {} +
        rm "$package"
        (cd "$content" && find . -type f | sed 's|^\./||' | LC_ALL=C sort | TZ=UTC zip -q -X -nw -@ "$package")
        rm -rf "$content"
    done
fi
