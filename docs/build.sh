#!/usr/bin/env bash
# Makes the site in artifacts/site from docs/*.md and the XML documentation of the packages: docs/build.sh. Broken links are errors.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
source=artifacts/site-source
rm -rf "$source" artifacts/site
mkdir -p "$source/docs/images"
repository=$(sed -n 's|.*<RepositoryUrl>\(.*\)</RepositoryUrl>.*|\1|p' Directory.Build.props)

# The site's front page is the README. What is not on the site (samples, code) is linked in the repository.
stage() {
    sed -E -e "s@\]\((\.\./)*((samples|src|tests|templates|packaging)(/[^)]*)?|LICENSE)\)@](${repository}/blob/main/\2)@g" \
        -e 's@\]\(((\.\./)*)README\.md@](\1index.md@g' "$1" > "$source/$2"
}
stage README.md index.md
for page in ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md SECURITY.md; do stage "$page" "$page"; done
for page in docs/*.md; do stage "$page" "$page"; done
cp docs/images/*.png "$source/docs/images/"
cp packaging/icon.png "$source/"

# Tables of contents: pages by their titles.
toc() { for page in "$@"; do printf -- '- name: "%s"\n  href: %s\n' "$(sed -n 's/^# //p' "$page" | head -1 | tr -d '`')" "$(basename "$page")"; done; }
toc docs/*.md > "$source/docs/toc.yml"
printf -- '- name: Documents\n  href: docs/toc.yml\n  homepage: docs/options.md\n- name: API\n  href: api/toc.yml\n' > "$source/toc.yml"
toc ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md >> "$source/toc.yml"

# The packages, each with what it refers to, and ASP.NET Core beside them.
assemblies=artifacts/site-assemblies
rm -rf "$assemblies"
for project in SemanticKernel Mcp Server; do dotnet publish "src/$project" -c Release -v quiet -o "$assemblies"; done
framework=$(dotnet --list-runtimes | sed -n 's|^Microsoft.AspNetCore.App \(10[^ ]*\) \[\(.*\)\]$|\2/\1|p' | tail -1)
cp --update=none "$framework"/*.dll "$assemblies" 2>/dev/null || cp -n "$framework"/*.dll "$assemblies"
dotnet tool restore
dotnet docfx metadata docs/docfx.json --warningsAsErrors
dotnet docfx build docs/docfx.json --warningsAsErrors
echo "site: $PWD/artifacts/site"
