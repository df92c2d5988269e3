using System.CommandLine;
using D2Pruner.AI.AgentBenchmark;

// What vision tools cost and gain. See docs/agents.md and docs/log.md.
var calls = new Option<int>("--calls") { Description = "Calls of each kind.", DefaultValueFactory = _ => 200 };
var model = new Option<string>("--model", "-m") { Description = "Model folder (the demo model).", Required = true };
var scenes = new Option<int>("--scenes") { Description = "Scenes of each size.", DefaultValueFactory = _ => 200 };
var seed = new Option<ulong>("--seed") { Description = "Of the scenes.", DefaultValueFactory = _ => 1 };
var sides = new Option<int[]>("--side") { Description = "Sides of the scenes in pixels; the model sees 336.", DefaultValueFactory = _ =>
    [336, 672, 1008] };

var overhead = new Command("overhead", "What a tool call costs beside the model, in process, over stdio and over HTTP.") { calls, model };
overhead.SetAction((parse, token) => OverheadBenchmark.RunAsync(parse.GetValue(calls), parse.GetValue(model)!, token));
var serve = new Command("serve", "The stdio server that 'overhead' starts: its model answers at once.") { Hidden = true };
serve.SetAction((_, token) => InstantServer.RunStdioAsync(token));
var zoom = new Command("zoom", "Small things: one pruned question against locate, crop, ask.") { model, scenes, seed, sides };
zoom.SetAction((parse, token) => ZoomBenchmark.RunAsync(parse.GetValue(model)!, parse.GetValue(scenes), parse.GetValue(seed),
    parse.GetValue(sides)!, token));
return await new RootCommand("Measures vision tools.") { overhead, serve, zoom }.Parse(args).InvokeAsync();
