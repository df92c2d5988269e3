#!/usr/bin/env bash
# Packs everything to a local feed, and uses the packages from outside the repository as a newcomer would: a console app with a PackageReference
# and a backend, run and published, and the command line tool installed from the feed. Prints "consumer: ok" at the end.
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
version="0.1.0-check.$(date +%s)"
packages=$(dotnet nuget locals global-packages --list | sed 's/.*: //')
trap 'rm -rf "$work"; rm -rf "$packages"/d2pruner.ai*/"$version"' EXIT
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) backend=libtorch-cpu-linux-x64 ;;
    Darwin-arm64) backend=libtorch-cpu-osx-arm64 ;;
    *) backend=libtorch-cpu-win-x64 ;;
esac

echo "consumer: packing"
dotnet pack "$repo/D2Pruner.AI.sln" -c Release -o "$work/feed" -p:Version="$version" 2>&1 | grep -E "error|warning" && exit 1
for p in D2Pruner.AI D2Pruner.AI.Agents D2Pruner.AI.Mcp D2Pruner.AI.SemanticKernel D2Pruner.AI.Server D2Pruner.AI.Runtime D2Pruner.AI.Pruning D2Pruner.AI.Cli; do
    test -s "$work/feed/$p.$version.nupkg" || { echo "consumer: $p was not packed"; exit 1; }
done
for p in D2Pruner.AI D2Pruner.AI.Agents D2Pruner.AI.Mcp D2Pruner.AI.SemanticKernel D2Pruner.AI.Server D2Pruner.AI.Runtime D2Pruner.AI.Pruning; do
    test -s "$work/feed/$p.$version.snupkg" || { echo "consumer: $p has no symbols"; exit 1; }
    unzip -l "$work/feed/$p.$version.nupkg" | grep README.md > /dev/null || { echo "consumer: $p has no readme"; exit 1; }
    unzip -p "$work/feed/$p.$version.nupkg" "$p.nuspec" | grep '<license type="expression">MIT' > /dev/null || { echo "consumer: $p has no licence"; exit 1; }
done
unzip -l "$work/feed/D2Pruner.AI.Runtime.$version.nupkg" | grep buildTransitive/D2Pruner.AI.Runtime.targets > /dev/null || { echo "consumer: the native repair is not in the package"; exit 1; }

echo "consumer: a console app"
mkdir "$work/app"
cd "$work/app"
# The machine's own sources stay; the local feed is added.
cat > nuget.config <<XML
<configuration><packageSources><add key="local" value="$work/feed" /></packageSources></configuration>
XML
cat > app.csproj <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings>
    <CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>true</CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>
    <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
    <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="D2Pruner.AI" Version="$version" />
    <PackageReference Include="$backend" Version="2.10.0" />
    <PackageReference Include="Microsoft.Extensions.DependencyInjection" Version="10.0.*" />
  </ItemGroup>
</Project>
XML
# The README's own example, with the paths replaced by arguments.
awk '/^```csharp/ { n++; take = n == 1; next } /^```/ { take = 0 } take' "$repo/README.md" \
    | sed -E -e 's|AddD2PrunerChatClient\("[^"]*"|AddD2PrunerChatClient(args[0]|' -e 's|ReadAllBytes\("[^"]*"\)|ReadAllBytes(args[1])|' > Program.cs
grep -q 'args\[0\]' Program.cs && grep -q 'args\[1\]' Program.cs || { echo "consumer: the README's example no longer names a model and a picture"; exit 1; }
model="$repo/samples/DemoModel/demo-llava"
picture=$(ls "$repo"/tests/Conformance/Fixtures/llava-1.5-a/images/*.png | head -1)
dotnet run -c Release -- "$model" "$picture" | tee run.log
grep -q "visual tokens kept" run.log

echo "consumer: published"
dotnet publish -c Release -o "$work/published" > publish.log 2>&1 || { cat publish.log; exit 1; }
(cd / && "$work/published/app" "$model" "$picture") | grep "visual tokens kept"

echo "consumer: Semantic Kernel"
mkdir "$work/kernel"
cd "$work/kernel"
cp "$work/app/nuget.config" .
sed -e 's|Include="D2Pruner.AI"|Include="D2Pruner.AI.SemanticKernel"|' "$work/app/app.csproj" > kernel.csproj
awk '/^```csharp/ { n++; take = n == 1; next } /^```/ { take = 0 } take' "$repo/docs/semantic-kernel.md" \
    | sed -E -e 's|AddD2PrunerChatClient\("[^"]*"|AddD2PrunerChatClient(args[0]|' -e 's|ReadAllBytes\("[^"]*"\)|ReadAllBytes(args[1])|' > Program.cs
dotnet run -c Release -- "$model" "$picture" | tee run.log
grep -qx 288 run.log || { echo "consumer: the kernel's answer does not say that 288 of 576 visual tokens were kept"; exit 1; }
cd "$work/app"

echo "consumer: samples copied out"
for sample in AgentFramework McpServer VisionAgent; do
    mkdir "$work/$sample"
    (cd "$repo/samples/$sample" && tar c --exclude bin --exclude obj .) | tar x -C "$work/$sample"
    cp "$work/app/nuget.config" "$work/$sample"
    # The folder alone: no central versions, no projects beside it, the packages from the feed.
    (cd "$work/$sample" && dotnet run -c Release -p:D2PrunerVersion="$version" -- --demo --model "$model") > "$work/$sample.log" 2>&1 || { cat "$work/$sample.log"; exit 1; }
done
grep -q "locate: the cross at" "$work/AgentFramework.log"
grep -q "connected to d2pruner" "$work/McpServer.log"
grep -q "Vision_ask_image" "$work/VisionAgent.log"

echo "consumer: the tool"
dotnet tool install D2Pruner.AI.Cli --tool-path "$work/tools" --version "$version" --configfile nuget.config > tool.log 2>&1 || { cat tool.log; exit 1; }
"$work/tools/d2pruner" --help | grep calibrate > /dev/null
"$work/tools/d2pruner" inspect "$model" | grep parameters > /dev/null
"$work/tools/d2pruner" ask --model "$model" --image "$picture" --prompt "What is this?" --max-tokens 4 --json | grep '"visual_tokens_kept"' > /dev/null
echo "consumer: ok"
