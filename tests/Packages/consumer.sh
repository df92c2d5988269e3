#!/usr/bin/env bash
# Packs everything to a local feed, and uses the packages from outside the repository as a newcomer would: the README's commands and program, the tool installed
# from the feed, the templates, and every way of publishing. Prints sizes (tool_package_bytes, app_publish_bytes), and "consumer: ok" at the end.
# D2PRUNER_CONSUMER=quick leaves out what takes minutes (the site, single file, trimmed, Native AOT, half of the samples, fetching libtorch).
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
# A version without a label, so that "dotnet add package" takes it without being told to.
version="0.1.$(date +%s)"
packages=$(dotnet nuget locals global-packages --list | sed 's/.*: //')
templates=()
cleanup() { for t in "${templates[@]}"; do dotnet new uninstall "$t" > /dev/null 2>&1 || true; done; rm -rf "$work"; rm -rf "$packages"/d2pruner.ai*/"$version"; }
trap cleanup EXIT
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
fail() { echo "consumer: $*"; exit 1; }
run() { local log; log=$(mktemp -p "$work"); timeout "${limit:-600}" "$@" > "$log" 2>&1 || { cat "$log"; fail "failed: $*"; }; }

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) rid=linux-x64 ;;
    Darwin-arm64) rid=osx-arm64 ;;
    *) rid=win-x64 ;;
esac
backend=libtorch-cpu-$rid

echo "consumer: packing"
limit=900 run "$repo/packaging/pack.sh" "$work/feed" "$version"
libraries="D2Pruner.AI D2Pruner.AI.Agents D2Pruner.AI.Mcp D2Pruner.AI.SemanticKernel D2Pruner.AI.Server D2Pruner.AI.Orleans D2Pruner.AI.Runtime D2Pruner.AI.Pruning"
for p in $libraries D2Pruner.AI.Cli D2Pruner.AI.Templates; do
    test -s "$work/feed/$p.$version.nupkg" || fail "$p was not packed"
done
for p in $libraries; do
    test -s "$work/feed/$p.$version.snupkg" || fail "$p has no symbols"
    unzip -l "$work/feed/$p.$version.nupkg" > "$work/list"
    for part in README.md icon.png; do grep -q "$part" "$work/list" || fail "$p has no $part"; done
    unzip -p "$work/feed/$p.$version.nupkg" README.md > "$work/readme"
    grep -E '\]\((docs|samples|src|tests|ARCHITECTURE|out)' "$work/readme" && fail "$p's readme has links that a package page cannot follow"
    unzip -p "$work/feed/$p.$version.nupkg" "$p.nuspec" > "$work/nuspec"
    for part in '<license type="expression">MIT' '<repository type="git" url="https://' '<icon>' '<tags>' '<projectUrl>'; do grep -q "$part" "$work/nuspec" || fail "$p's nuspec has no $part"; done
done
unzip -l "$work/feed/D2Pruner.AI.Runtime.$version.nupkg" | grep buildTransitive/D2Pruner.AI.Runtime.targets > /dev/null || fail "the native repair is not in the package"
tool_bytes=$(stat -c %s "$work/feed/D2Pruner.AI.Cli.$version.nupkg" 2>/dev/null || stat -f %z "$work/feed/D2Pruner.AI.Cli.$version.nupkg")
echo "tool_package_bytes=$tool_bytes"
[ "$tool_bytes" -lt 60000000 ] || fail "the tool's package is larger than 60 MB"

echo "consumer: the README's commands and program"
mkdir "$work/outside"
cd "$work/outside"
# The machine's own sources stay; the local feed is added. Outputs link to the package cache instead of copying half a gigabyte.
cat > nuget.config <<XML
<configuration><packageSources><add key="local" value="$work/feed" /></packageSources></configuration>
XML
cat > Directory.Build.props <<XML
<Project><PropertyGroup>
  <CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>true</CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>
  <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
  <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>
</PropertyGroup></Project>
XML
# The fenced block after the line that names it, as it stands.
block() { awk -v start="$2" 'index($0, start) { seen = 1 } seen && /^```/ { if (inside) exit; inside = 1; next } inside' "$1"; }
block "$repo/README.md" "In a new console application" > commands.sh
grep -q "dotnet new console" commands.sh && grep -q "dotnet add package D2Pruner.AI" commands.sh || fail "the README no longer says how to begin"
sed -i.bak -e "s/libtorch-cpu-linux-x64/$backend/" commands.sh
run bash -euo pipefail commands.sh
cd MyApp
block "$repo/README.md" "Program.cs, the whole of it" > Program.cs
grep -q AddD2PrunerChatClient Program.cs || fail "the README's program is gone"
model="$repo/samples/DemoModel/demo-llava"
picture=$(ls "$repo"/tests/Conformance/Fixtures/llava-1.5-a/images/*.png | head -1)
timeout 600 dotnet run -c Release -- "$model" "$picture" | tee run.log
grep -q "visual tokens kept" run.log

echo "consumer: published, portable"
app="$work/outside/MyApp"
check() { (cd / && timeout 120 "$1" "$model" "$picture") | grep "visual tokens kept" || fail "the published program in $1 does not answer"; }
bytes() { du -sb "$1" 2>/dev/null | cut -f1; }
run dotnet publish -c Release -o "$work/portable"
check "$work/portable/MyApp"
echo "app_publish_bytes_portable=$(bytes "$work/portable")"

echo "consumer: published for $rid"
run dotnet publish -c Release -r "$rid" --self-contained false -o "$work/rid"
check "$work/rid/MyApp"
echo "app_publish_bytes=$(bytes "$work/rid")"
find "$work/portable" "$work/rid" -name "*torch_python*" -o -name "libSkiaSharp.pdb" | grep . && fail "files that nobody loads were published"

if [ "${D2PRUNER_CONSUMER:-}" != quick ]; then
    echo "consumer: single file, self-contained"
    run dotnet publish -c Release -r "$rid" --self-contained -p:PublishSingleFile=true -o "$work/single"
    check "$work/single/MyApp"
    echo "app_publish_bytes_single_file=$(bytes "$work/single")"

    echo "consumer: trimmed"
    limit=1800 run dotnet publish -c Release -r "$rid" --self-contained -p:PublishTrimmed=true -p:SuppressTrimAnalysisWarnings=true -o "$work/trimmed"
    check "$work/trimmed/MyApp"
    echo "app_publish_bytes_trimmed=$(bytes "$work/trimmed")"

    if command -v clang > /dev/null || command -v gcc > /dev/null; then
        echo "consumer: Native AOT"
        # Only a machine that cannot get the compiler's package goes on without this check, and says so.
        if timeout 600 dotnet restore -r "$rid" -p:PublishAot=true > aot.log 2>&1; then
            limit=1800 run dotnet publish -c Release -r "$rid" -p:PublishAot=true -p:SuppressTrimAnalysisWarnings=true -p:SuppressAotAnalysisWarnings=true -o "$work/aot"
            check "$work/aot/MyApp"
            echo "app_publish_bytes_aot=$(bytes "$work/aot")"
        else
            echo "consumer: Native AOT skipped, its compiler's package cannot be had: $(grep -m1 error aot.log)"
        fi
    else
        echo "consumer: Native AOT skipped, there is no linker"
    fi
fi

echo "consumer: an application without libtorch is warned"
mkdir "$work/outside/bare"
cd "$work/outside/bare"
sed -e "/$backend/d" "$app/MyApp.csproj" > bare.csproj
cp "$app/Program.cs" .
dotnet build -c Release > build.log 2>&1 || { cat build.log; fail "the application without libtorch does not build"; }
grep -q "warning D2P001.*dotnet add package $backend" build.log || { cat build.log; fail "nobody says that libtorch is missing"; }
dotnet build -c Release -p:D2PrunerCheckLibtorch=false --no-incremental 2>&1 | grep D2P001 && fail "the warning cannot be switched off"
libraries=$(find "$work/rid" -name "*torch_cpu*" -exec dirname {} \; | head -1)
D2PRUNER_LIBTORCH="$libraries" timeout 120 dotnet bin/Release/net10.0/bare.dll "$model" "$picture" | grep "visual tokens kept" || fail "libtorch from a named folder does not load"

echo "consumer: Semantic Kernel"
mkdir "$work/outside/kernel"
cd "$work/outside/kernel"
sed -e 's|Include="D2Pruner.AI"|Include="D2Pruner.AI.SemanticKernel"|' "$app/MyApp.csproj" > kernel.csproj
awk '/^```csharp/ { n++; take = n == 1; next } /^```/ { take = 0 } take' "$repo/docs/semantic-kernel.md" \
    | sed -E -e 's|AddD2PrunerChatClient\("[^"]*"|AddD2PrunerChatClient(args[0]|' -e 's|ReadAllBytes\("[^"]*"\)|ReadAllBytes(args[1])|' > Program.cs
timeout 600 dotnet run -c Release -- "$model" "$picture" | tee run.log
grep -qx 288 run.log || fail "the kernel's answer does not say that 288 of 576 visual tokens were kept"

echo "consumer: samples copied out"
# The folder alone: no central versions, no projects beside it, the packages from the feed.
alone() {
    mkdir "$work/$1"
    (cd "$repo/samples/$1" && tar c --exclude bin --exclude obj .) | tar x -C "$work/$1"
    cp "$work/outside/nuget.config" "$work/$1"
}
for sample in AgentFramework McpServer VisionAgent; do
    alone "$sample"
    (cd "$work/$sample" && dotnet run -c Release -p:D2PrunerVersion="$version" -- --demo --model "$model") > "$work/$sample.log" 2>&1 || { cat "$work/$sample.log"; fail "$sample does not run alone"; }
done
grep -q "locate: the cross at" "$work/AgentFramework.log"
grep -q "connected to d2pruner" "$work/McpServer.log"
grep -q "Vision_ask_image" "$work/VisionAgent.log"
if [ "${D2PRUNER_CONSUMER:-}" != quick ]; then
    for sample in ChatApp Grounding Quickstart; do
        alone "$sample"
        arguments=(--demo --model "$model")
        [ "$sample" = Quickstart ] && arguments=("$model")
        (cd "$work/$sample" && dotnet run -c Release -p:D2PrunerVersion="$version" -- "${arguments[@]}") > "$work/$sample.log" 2>&1 || { cat "$work/$sample.log"; fail "$sample does not run alone"; }
    done
    grep -q "visual tokens kept" "$work/ChatApp.log"
    test -s "$work/Grounding/out/grounding.png"
    test -s "$work/Quickstart/out/kept-tokens.png"
    # Those that listen: started, asked for their health, ended.
    for sample in Server WebApp; do
        alone "$sample"
        (cd "$work/$sample" && run dotnet build -c Release -p:D2PrunerVersion="$version")
        case "$sample" in
            Server) arguments=(--port 0 --model "$model") health=health/ready ;;
            WebApp) arguments=(--urls http://127.0.0.1:0 "--D2Pruner:Models:default:ModelPath=$model") health=health ;;
        esac
        (cd "$work/$sample" && exec dotnet "bin/Release/net10.0/$sample.dll" "${arguments[@]}") > "$work/$sample.log" 2>&1 &
        service=$!
        for _ in $(seq 1 120); do
            address=$(grep -oE "http://127.0.0.1:[0-9]+" "$work/$sample.log" | head -1 || true)
            [ -n "$address" ] && curl -sf "$address/$health" | grep -qiE "^healthy|ready|ok" && break
            sleep 1
        done
        curl -sf "$address/$health" > /dev/null || { cat "$work/$sample.log"; kill $service; fail "$sample does not run alone"; }
        kill $service
        wait $service || true
    done
fi

echo "consumer: the tool"
cd "$work/outside"
run dotnet tool install D2Pruner.AI.Cli --tool-path "$work/tools" --version "$version" --configfile nuget.config
tool="$work/tools/d2pruner"
"$tool" --help | grep calibrate > /dev/null
"$tool" inspect "$model" | grep parameters > /dev/null
"$tool" doctor --quick --json | grep '"usable": true' > /dev/null || fail "the tool finds no libtorch"
D2PRUNER_LIBTORCH="$libraries" "$tool" ask --model "$model" --image "$picture" --prompt "What is this?" --max-tokens 4 --json | grep '"visual_tokens_kept"' > /dev/null
if [ "${D2PRUNER_CONSUMER:-}" != quick ]; then
    NUGET_PACKAGES="$work/none" "$tool" doctor --quick --install-libtorch "$work/libtorch" --json > doctor.json 2> doctor.log || { cat doctor.log; fail "libtorch cannot be fetched"; }
    grep -q "\"folder\": \"$work/libtorch" doctor.json || fail "the fetched libtorch is not used"
fi

echo "consumer: the templates"
templates+=("D2Pruner.AI.Templates")
run dotnet new install "$work/feed/D2Pruner.AI.Templates.$version.nupkg"
run dotnet new d2pruner-chat -o windows --model 'C:\models\llava'
grep -qF '"ModelPath": "C:\\models\\llava"' windows/appsettings.json || { cat windows/appsettings.json; fail "a path of Windows is no JSON text in appsettings.json"; }
run dotnet new d2pruner-chat -o talk --model "$model"
echo "no picture" > broken.png
printf '%s\nWhat is this?\n%s\nWhat colour is the circle?\n' "$PWD/broken.png" "$picture" | (cd talk && timeout 600 dotnet run -c Release) > talk.log 2>&1 \
    || { cat talk.log; fail "d2pruner-chat does not run, or ends with a picture that is none"; }
grep -q "visual tokens kept" talk.log || { cat talk.log; fail "d2pruner-chat does not answer"; }
run dotnet new d2pruner-api -o service --model "$model"
(cd service && run dotnet build -c Release)
(cd service/bin/Release/net10.0 && ASPNETCORE_URLS=http://127.0.0.1:0 exec dotnet service.dll) > service.log 2>&1 &
service=$!
for _ in $(seq 1 60); do grep -q "Now listening on" service.log && break; sleep 1; done
address=$(grep -oE "http://127.0.0.1:[0-9]+" service.log | head -1)
for _ in $(seq 1 60); do curl -s "$address/health" | grep -q Healthy && break; sleep 1; done
curl -s "$address/health" | grep -q Healthy || { cat service.log; kill $service; fail "d2pruner-api does not become healthy"; }
curl -s -N -F "image=@$picture" -F "question=What is this?" "$address/ask" > answer.log
kill $service
grep -q "event: text" answer.log && grep -q visual_tokens_kept answer.log || { cat answer.log service.log; fail "d2pruner-api does not answer"; }

if [ "${D2PRUNER_CONSUMER:-}" != quick ]; then
    echo "consumer: the documents' site"
    limit=900 run "$repo/docs/build.sh"
    for page in index.html docs/cli.html api/D2Pruner.AI.Runtime.VisionLanguageEngine.html; do test -s "$repo/artifacts/site/$page" || fail "the site has no $page"; done
fi

echo "consumer: packing again gives the same"
limit=900 run "$repo/packaging/pack.sh" "$work/again" "$version"
for p in "$work"/feed/*.nupkg; do
    cmp "$p" "$work/again/$(basename "$p")" || fail "$(basename "$p") differs from one pack to the next"
done
echo "consumer: ok"
