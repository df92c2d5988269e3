using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>What Auto makes of a request: the table is the specification.</summary>
public sealed class PresetTableTests
{
    private const string U = "Understanding", L = "Localization", R = "Reading";

    public static TheoryData<string, string> Prompts()
    {
        var data = new TheoryData<string, string>();
        foreach (var (expected, prompts) in new[]
        {
            (U, new[]
            {
                "What is shown in this image?", "Describe the picture.", "How many dogs are there?", "What color is the car?",
                    "Is the man smiling?", "Write a caption for this photo.",
                "Where was this photo taken?", "What is the person on the left doing?", "Was ist auf dem Bild zu sehen?",
                "Wie viele Katzen sind da?", "Beschreibe das Bild.",
                "Que montre cette image ?", "Combien de chiens y a-t-il ?", "¿Qué hay en la imagen?", "¿Cuántos gatos hay?",
                "Che cosa mostra l'immagine?", "Quanti cani ci sono?",
                "O que aparece na imagem?", "Quantos gatos existem?", "图片里有什么？", "有几只猫？", "この画像には何が写っていますか？", "犬は何匹いますか？", "이 사진에 무엇이 있나요?",
                "고양이가 몇 마리 있나요?",
                "Что изображено на картинке?", "Сколько здесь собак?",
            }),
            (L, new[]
            {
                "Where is the red cup?", "Where are the keys?", "Locate the dog.", "Give me the bounding box of the cat.",
                    "Return bbox_2d for every car.", "Point to the exit sign.",
                "What are the coordinates of the ball?", "In which corner is the logo?", "Detect all people.",
                "Find the cat in this picture.", "Wo ist die Katze?", "Wo befindet sich der Hund?", "Gib die Koordinaten des Balls an.",
                "Où est le chat ?", "Où se trouve la voiture rouge ?", "Donne les coordonnées du ballon.", "¿Dónde está el perro?",
                "Localiza la pelota.", "Dov'è il gatto?", "Dove si trova la palla?",
                "Onde está o cachorro?", "Onde fica a bola?", "红色的杯子在哪里？", "请给出猫的边界框。", "猫はどこにいますか？", "赤いボールの座標を教えてください。", "고양이는 어디에 있나요?",
                "빨간 공의 좌표를 알려 주세요.",
                "Где находится собака?", "Укажи координаты мяча.", "Waar is de hond?", "Gdzie jest kot?",
            }),
            (R, new[]
            {
                "What does the sign say?", "Read the text in this image.", "Transcribe the handwritten note.", "OCR this document.",
                    "What is the total on the receipt?", "What is the license plate number?",
                "Was steht auf dem Schild?", "Lies den Text auf der Rechnung.", "Quel est le texte sur l'affiche ?",
                "¿Qué texto aparece en el cartel?", "Trascrivi il testo.", "Transcreva o texto da imagem.",
                "图片上的文字是什么？", "看板には何と書いてありますか？", "영수증의 합계를 읽어 주세요.", "Какой текст на вывеске?", "Прочитай надпись.",
            }),
        })
        {
            foreach (var prompt in prompts) data.Add(prompt, expected);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Prompts))]
    public void Auto_ReadsTheQuestion(string prompt, string expected)
    {
        var choice = PresetSelector.Choose(prompt, null, null, 1);
        var actual = choice switch { { Preset: PruningPreset.Localization } => L, { KeepRatio: not null } => R, _ => U };
        Assert.Equal(expected, actual);
        Assert.NotEmpty(choice.Reason);
        if (expected == R) Assert.Equal((PruningPreset.Understanding, true), (choice.Preset, choice.KeepRatio > 1.0 / 3));
    }

    [Fact]
    public void TheTable_IsLongAndVaried() => Assert.True(Prompts().Count >= 60);

    [Theory]
    [InlineData("""{"type":"object","properties":{"bbox_2d":{"type":"array"}}}""", PruningPreset.Localization)]
    [InlineData("""{"type":"object","properties":{"xmin":{"type":"number"}}}""", PruningPreset.Localization)]
    [InlineData("""{"type":"object","properties":{"name":{"type":"string"}}}""", PruningPreset.Understanding)]
    public void ASchemaWithBoxes_AsksForBoxes(string schema, PruningPreset expected) =>
        Assert.Equal(expected, PresetSelector.Choose("Describe it.", null, schema, 1).Preset);

    [Fact]
    public void Instructions_MayAskForBoxes_AndWithoutPicturesThereIsNothingToPrune()
    {
        Assert.Equal(PruningPreset.Localization, PresetSelector.Choose("The dog.", "Answer with bounding boxes.", null, 1).Preset);
        Assert.Equal(PruningPreset.None, PresetSelector.Choose("Where is it?", null, null, 0).Preset);
    }

    [Fact]
    public async Task TheReport_SaysThatNoPriorIsThere_AndThatKWasLowered()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        ChatMessage Message(string text) => new(ChatRole.User, [new DataContent(TinyPng.Bytes, "image/png"), new TextContent(text)]);
        var report = (await client.GetResponseAsync([Message("Where is it?")])).GetPruningReport()!;
        Assert.Contains("'where is'", report.PresetReason);
        Assert.Contains("No calibrated prior for K = 5", report.PresetReason);
        var meant = (await client.GetResponseAsync(
            [Message("Where is it?")], new ChatOptions().WithPruning(new VisualPruningOptions { Prior = "uniform" }))).GetPruningReport()!;
        Assert.DoesNotContain("prior", meant.PresetReason);

        var small = new VisionModelInfo { Id = "m", Family = "llava", Folder = "", ContextLength = 1, DecoderLayers = 4, Parameters = 1,
            DType = "", Device = "", PriorLayers = [3] };
        var resolved = PriorNote.Add(
            new ResolvedPruning(PruningSettings.FromPreset(PruningPreset.Localization), PruningPreset.Localization, "client", "Asked."),
            small, PrunerRegistry.BuiltIn);
        Assert.Equal("Asked. K = 5 was lowered to 3: the model has 4 layers.", resolved.Reason);
    }

    [Fact]
    public async Task Auto_IsOverridable_PerClient_Request_AndPicture()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine, new D2PrunerChatClientOptions { Preset = PruningPreset.Understanding });
        var where = new ChatMessage(
            ChatRole.User, [new DataContent(TinyPng.Bytes, "image/png").KeepVisualTokens(1), new TextContent("Where is the dog?")]);
        var byClient = await client.GetResponseAsync([where]);
        Assert.Equal((PruningPreset.Understanding, "client"),
            (byClient.GetPruningReport()!.Preset, byClient.GetPruningReport()!.PresetSource));
        Assert.Equal(1, Assert.IsType<ImagePart>(engine.Last.Turns[0].Parts[0]).KeepRatio);
        var byRequest = await client.GetResponseAsync([where], new ChatOptions().WithPruning(PruningPreset.Auto));
        Assert.Equal((PruningPreset.Localization, "request"),
            (byRequest.GetPruningReport()!.Preset, byRequest.GetPruningReport()!.PresetSource));
    }
}
