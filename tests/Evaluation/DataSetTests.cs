using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Metrics;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;
using Parquet.Serialization;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>Every loader on small files of the published layout, made by hand, with broken rows in them.</summary>
public sealed class DataSetTests : IDisposable
{
    private static readonly byte[] Png = TinyPng.Draw(SkiaSharp.SKColors.Red, 40, 20);
    private static readonly string Base64 = Convert.ToBase64String(Png);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Gqa_JoinsQuestionsAndImages()
    {
        await Parquet("testdev_balanced_instructions/testdev-00000-of-00001.parquet",
            [new Row { id = "1", imageId = "n1", question = "What is it?", answer = "cat" },
                new Row { id = "2", imageId = "n1", question = null, answer = "dog" },
                new Row { id = "3", imageId = "n1", question = "Is it red?", answer = "no" }]);
        await Parquet("testdev_balanced_images/testdev-00000-of-00001.parquet",
            [new Row { id = "n1", image = new ImageColumn { bytes = Png } }]);
        var data = Load("gqa");
        Assert.Equal(["1", "3"], data.Samples.Select(s => s.Id));
        Broken(data, "row 1", "'question'");
        Assert.Equal("What is it?\nAnswer the question using a single word or phrase.", data.Samples[0].Prompt);
        Assert.Equal("What is it? Answer the question using a single word or phrase.", Load("gqa", PromptStyle.InternVL).Samples[0].Prompt);
        Assert.Equal([1, 0, 1], new[] { "Cat.", "a cat", "cat\n" }.Select(a => data.Score(data.Samples[0], a).Value));
        // VLMEvalKit strips in its comparison, and leaves a full stop.
        var qwen = Load("gqa", PromptStyle.Qwen);
        Assert.Equal([1, 0], new[] { "cat\n", "cat." }.Select(a => qwen.Score(qwen.Samples[0], a).Value));
        Assert.Equal(Png, data.Samples[1].ReadImage!());
    }

    [Fact]
    public void Gqa_Originals_NameMissingImages()
    {
        Write("testdev_balanced_questions.json", """{"201": {"question": "What?", "answer": "x", "imageId": "n5", "isBalanced": true}, "202": {"question": "Who?", "answer": "y", "imageId": "n6"}}""");
        Image("images/n5.jpg");
        Assert.Contains("n6.jpg", Assert.Throws<FileNotFoundException>(() => Load("gqa")).Message);
        Image("images/n6.jpg");
        Assert.Equal(2, Load("gqa").Samples.Count);
    }

    [Fact]
    public void MmBench_ReadsRotationsAndImagesByIndex()
    {
        Tsv("mmbench_dev.tsv", "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\tl2-category\timage",
            $"7\t\"Which \"\"one\"\"\nis it?\"\t\tcat\tdog\t\t\tA\tocr\trelation_reasoning\t{Base64}",
            "1000007\tWhich one is it?\t\tdog\tcat\t\t\tB\tocr\trelation_reasoning\t7",
            "8\tWhat?\tLook.\tred\tNone\tN/A\tblue\tD\tocr\trelation_reasoning\t7",
            "9\tWhat?\t\tred\tblue\t\t\tE\tocr\trelation_reasoning\t7",
            "10\tWhat?\t\tred\tblue\t\t\tA\tocr\trelation_reasoning\t99", "11\tfew");
        var data = Load("mmbench_en");
        Assert.Equal(["7", "1000007", "8"], data.Samples.Select(s => s.Id));
        Assert.Equal(["7", "7", "8"], data.Samples.Select(s => s.ImageKey));
        Assert.Equal("Which \"one\"\nis it?\nA. cat\nB. dog\nAnswer with the option's letter from the given choices directly.",
            data.Samples[0].Prompt);
        Broken(data, "row 4", "'E'");
        Broken(data, "row 5", "'99'");
        Broken(data, "row 6", "2 fields");
        // "None" is missing to pandas: the official code asks such a row, and LLaVA's options end there.
        Broken(data, "in 1 rows, options such as");
        Assert.Equal("Look.\nWhat?\nA. red\nAnswer with the option's letter from the given choices directly.", data.Samples[2].Prompt);
        Assert.Equal("Look.\nWhat?\nA. red\nD. blue\nAnswer with the option's letter from the given choices directly.",
            Load("mmbench_en", PromptStyle.InternVL).Samples[2].Prompt);
        Assert.Equal("Hint: Look.\nQuestion: What?\nOptions:\nA. red\nD. blue\nPlease select the correct answer from the options " +
            "above. \n", Load("mmbench_en", PromptStyle.Qwen).Samples[2].Prompt);
        Assert.Equal([1, 1, 0], new[] { "D", "it is blue", "A" }.Select(a => data.Score(data.Samples[2], a).Value));
        Assert.Equal([1, 1, 0], new[] { "A", "the cat", "B" }.Select(a => data.Score(data.Samples[0], a).Value));
        Assert.False(data.Score(data.Samples[0], "hm").IsParsed);
        Assert.Equal("circular accuracy, %", data.PaperFigure);
        Assert.Equal(0, data.Headline([(data.Samples[0], "A"), (data.Samples[1], "A")])["circular accuracy, %"]);
        Assert.Equal(100, data.Headline([(data.Samples[0], "A"), (data.Samples[1], "B")])["circular accuracy, %"]);
        Assert.EndsWith("请直接回答选项字母。", Load("mmbench_cn").Samples[0].Prompt);
        Assert.StartsWith("Question: Which \"one\"\nis it?\nOptions:\nA. cat\n", Load("mmbench_en", PromptStyle.Qwen).Samples[0].Prompt);
    }

    [Fact]
    public void Mme_ReadsTheReleasesFolders()
    {
        Write("existence/000.txt", "Is there a cat? Please answer yes or no.\tYes\nIs there a dog? Please answer yes or no.\tNo\n");
        Image("existence/000.jpg");
        Write("scene/questions_answers_YN/1.txt", "Is it a beach? Please answer yes or no.\tYes\nbroken line\n");
        Image("scene/images/1.png");
        var data = Load("mme");
        Assert.Equal(["existence/000#1", "existence/000#2", "scene/1#1"], data.Samples.Select(s => s.Id));
        Broken(data, "scene/1.txt line 2");
        Assert.Equal("Is there a cat?\nAnswer the question using a single word or phrase.", data.Samples[0].Prompt);
        Assert.Equal("Is there a cat? Please answer yes or no.", Load("mme", PromptStyle.Qwen).Samples[0].Prompt);
        var figures = data.Headline([(data.Samples[0], "Yes"), (data.Samples[1], "No"), (data.Samples[2], "no")]);
        Assert.Equal((200, 0, 200), (figures["existence"], figures["scene"], figures["perception"]));
        Assert.Equal(200, figures[data.PaperFigure!]);
    }

    [Fact]
    public void Pope_ReadsItsThreeParts()
    {
        foreach (var part in new[] { "random", "popular", "adversarial" })
        {
            Write($"coco_pope_{part}.json",
                "{\"question_id\": 1, \"image\": \"a.jpg\", \"text\": \"Is there a cat in " +
                "the image?\", \"label\": \"yes\"}\n{\"question_id\": 2, \"image\": \"a.jpg\", \"text\": \"Is " +
                "there a dog?\", \"label\": \"no\"}\nnot json\n"
                + "{\"question_id\": 3, \"image\": \"a.jpg\", \"text\": \"Is there?\", \"label\": \"maybe\"}\n");
        }

        Image("val2014/a.jpg");
        var data = Load("pope");
        Assert.Equal(6, data.Samples.Count);
        Assert.Equal(6, data.Problems.Count);
        Broken(data, "coco_pope_popular.json line 3");
        Broken(data, "coco_pope_random.json line 4", "maybe");
        Assert.Equal(1, data.Score(data.Samples[0], "Yes, there is.").Value);
        Assert.Equal(1, data.Score(data.Samples[1], "no\n").Value); // LLaVA's answers are stripped before
        Assert.Equal(100, data.Headline([.. data.Samples.Select(s => (s, s.Answers[0] == "yes" ? "Yes" : "No"))])["mean F1, %"]);
        Assert.Equal(100, data.Headline([.. data.Samples.Select(s => (s, s.Answers[0] + "\n"))])["mean F1, %"]);
        // What says neither is a yes to the official parser, and cannot be read.
        Assert.Equal(new SampleScore(1, null, false), data.Score(data.Samples[0], "A kitchen. No cat."));
        Assert.All(new[] { "Yes", "NO!", "There is not, as far as I see", "yes, it is" },
            a => Assert.True(data.Score(data.Samples[0], a).IsParsed, a));
        Assert.Equal(new SampleScore(0, null, false), Load("pope", PromptStyle.Qwen).Score(data.Samples[0], "A kitchen."));
        Assert.Equal(("mean F1, %", "test", true), (data.PaperFigure, data.Part, data.IsWhole));
    }

    [Fact]
    public async Task ScienceQa_AsksWithoutAnImageWhereThereIsNone()
    {
        await Parquet("ScienceQA-FULL/test-00000-of-00001.parquet",
            [new Row { question = "Which?", choices = ["sun", "moon"], answer_index = 1, hint = "Look up.",
                image = new ImageColumn { bytes = Png } },
                new Row { question = "What?", choices = ["a", "b"], answer_index = 0, hint = "" },
                new Row { question = "Bad?", choices = ["a", "b"], answer_index = 7 }], r => r with { answer = $"{r.answer_index}" });
        var data = Load("scienceqa");
        Assert.Equal([true, false], data.Samples.Select(s => s.ReadImage is not null));
        Broken(data, "row 2", "'7'");
        Assert.Equal("Context: Look up.\nWhich?\nA. sun\nB. moon\nAnswer with the option's letter from the given choices directly.",
            data.Samples[0].Prompt);
        Assert.Equal([1, 1, 0], new[] { "B", "The answer is B.", "moon" }.Select(a => data.Score(data.Samples[0], a).Value));
        var figures = data.Headline([(data.Samples[0], "B"), (data.Samples[1], "B")]);
        Assert.Equal((50, 100), (figures["total, %"], figures["with image, %"]));
    }

    [Fact]
    public void ScienceQa_Originals()
    {
        Write("problems.json", """{"1": {"question": "Q", "choices": ["a", "b"], "answer": 0, "hint": "", "image": "image.png"}, "2": {"question": "R", "choices": ["a", "b"], "answer": 1, "image": null}, "3": {"question": "S", "choices": ["a", "b"], "answer": 1, "image": null}}""");
        Write("pid_splits.json", """{"test": ["1", "2"], "train": ["3"]}""");
        Image("images/test/1/image.png");
        Assert.Equal(["1", "2"], Load("scienceqa").Samples.Select(s => s.Id));
    }

    [Fact]
    public void VqaV2_AndOkVqa_PairQuestionsAndAnnotations()
    {
        foreach (var (prefix, name) in new[] { ("v2_", "vqav2"), ("", "okvqa") })
        {
            Write($"{name}/{prefix}OpenEnded_mscoco_val2014_questions.json", """{"questions": [{"question_id": 10, "image_id": 42, "question": "How many?"}, {"question_id": 11, "image_id": 42, "question": "Why?"}]}""");
            Write($"{name}/{prefix}mscoco_val2014_annotations.json", """{"annotations": [{"question_id": 10, "answer_type": "number", "answers": [{"answer": "two"}, {"answer": "two"}, {"answer": "2"}, {"answer": "three"}]}]}""");
            Image($"{name}/val2014/COCO_val2014_000000000042.jpg");
            var data = DataSets.Load($"{name}={_folder.File(name)}", Request());
            Assert.Single(data.Samples);
            Broken(data, "question 11");
            Assert.Equal(0.75, data.Score(data.Samples[0], "2").Value, 6);
        }
    }

    /// <summary>Where ten answers agree the server does not look at case: what LLaVA uploads is normalised before.</summary>
    [Theory]
    [InlineData(PromptStyle.Llava, "VQA server's rules, of answers as LLaVA uploads them")]
    [InlineData(PromptStyle.InternVL, "EvalAI rules")]
    public async Task VqaV2_NormalisesAnswersThatAllAgreeOn(PromptStyle style, string note)
    {
        await Parquet("data/validation-00000-of-00001.parquet",
            [new Row { question_id = "5", image_id = "i1", question = "Is it?", answers = [.. Enumerable.Repeat("yes", 10)],
                image = new ImageColumn { bytes = Png } }]);
        var data = Load("vqav2", style);
        Assert.Equal([1, 1, 1, 0], new[] { "yes", "Yes", "Yes.", "No" }.Select(a => data.Score(data.Samples.Single(), a).Value));
        Assert.Contains(data.Notes, n => n.Contains(note, StringComparison.Ordinal));
    }

    [Fact]
    public async Task TextVqa_HasTheOcrLine()
    {
        await Parquet("data/validation-00000-of-00001.parquet",
            [new Row { question_id = "5", image_id = "i1", question = "what brand IS it?", answers = ["nike", "nike", "nike", "Nike"],
                ocr_tokens = ["NIKE", "7"], image = new ImageColumn { bytes = Png } },
                new Row { question_id = "6", image_id = "i1", question = "what?", answers = ["x"] }]);
        var data = Load("textvqa");
        Assert.Equal("What brand is it?\nReference OCR token: NIKE, 7\nAnswer the question using a single word or phrase.",
            data.Samples.Single().Prompt);
        Broken(data, "row 1", "'image'");
        Assert.Equal(1, data.Score(data.Samples[0], "Nike").Value);
    }

    [Fact]
    public void TextVqa_ReadsLlavasQuestions()
    {
        Write("TextVQA_0.5.1_val.json",
            """{"data": [{"question_id": 1, "image_id": "i1", "question": "What is it?", "answers": ["a", "a", "a", "a"]}]}""");
        Write("llava_textvqa_val_v051_ocr.jsonl", """{"question_id": "i1", "image": "i1.jpg", "text": "What is it?\nReference OCR token: Q\nAnswer the question using a single word or phrase.", "category": "default"}""" + "\n"
            + """{"question_id": "i1", "image": "i1.jpg", "text": "Who is it?\nAnswer the question using a single word or phrase.", "category": "default"}""" + "\n");
        Image("train_images/i1.jpg");
        var data = Load("textvqa");
        Assert.Contains("OCR token: Q", data.Samples.Single().Prompt);
        Broken(data, "line 2", "no annotation");
        Assert.Equal(1, data.Score(data.Samples[0], "a").Value);
    }

    /// <summary>The official pattern's dots match newlines: the first "Question: ", then the first " Short answer:".</summary>
    [Theory]
    [InlineData("OCR tokens: a. Question: what\nis it? Short answer:", "what\nis it?")]
    [InlineData("OCR tokens: Question: a\nb. Question: What? Short answer: x Short answer:", "a\nb. question: what?")]
    public void TextVqaQuestion_MayStandOnSeveralLines(string prompt, string question) =>
        Assert.Equal(question, TextVqaPrompts.Question(prompt));

    /// <summary>JSON objects are Python dicts there, and a lone surrogate is text.</summary>
    [Fact]
    public void QwensBoxes_AreReadAsPythonReadsThem()
    {
        Assert.Equal(new double[] { 5, 6, 7, 8 }, Assert.Single(QwenBox.Read("""{"cup":[1,2,3,4],"cup":[5,6,7,8]}""")));
        Assert.Equal(new double[][] { [5, 6, 7, 8], [9, 9, 10, 10] }, QwenBox.Read("""{"a":[1,2,3,4],"b":[9,9,10,10],"a":[5,6,7,8]}"""));
        Assert.Empty(QwenBox.Read("""{"bbox":["\ud800",1,2,3]}"""));
        Assert.Equal(new double[] { 1, 2, 3, 4 }, Assert.Single(QwenBox.Read("""{"\ud800":[1,2,3,4]}""")));
    }

    [Fact]
    public void VizWiz_ReadsAnswersOfTsvAndOriginals()
    {
        Tsv("tsv/VizWiz.tsv", "index\timage\tquestion\tanswers",
            $"0\t{Base64}\tWhat?\t\"['unanswerable', 'unanswerable', \"\"it's\"\", 'unanswerable', 'unanswerable']\"",
            $"1\t{Base64}\tWhat?\t\"['a\"", $"2\tno base64!{new string('-', 80)}\tWhat?\t\"['a']\"");
        var data = DataSets.Load($"vizwiz={_folder.File("tsv")}", Request());
        Assert.Equal(5, data.Samples.Single().Answers.Count);
        Assert.Equal(2, data.Problems.Count);
        Assert.Equal("What?\nWhen the provided information is insufficient, respond with 'Unanswerable'.\nAnswer the question using a " +
            "single word or phrase.", data.Samples[0].Prompt);
        Assert.Equal(1, data.Score(data.Samples[0], "Unanswerable").Value);
        Write("originals/val.json", """[{"image": "v.jpg", "question": "Q?", "answers": [{"answer": "x", "answer_confidence": "yes"}], "answerable": 1}, {"image": "v.jpg"}]""");
        Image("originals/val/v.jpg");
        data = DataSets.Load($"vizwiz={_folder.File("originals")}", Request());
        Assert.Single(data.Samples);
        Broken(data, "item 1", "'question'");
    }

    [Fact]
    public async Task Ai2d_AndMmStar_ReadLetters()
    {
        await Parquet("ai2d/data/test-00000-of-00001.parquet",
            [new Row { question = "Which?", options = ["a", "b", "c", "d"], answer = "2", image = new ImageColumn { bytes = Png } },
                new Row { question = "Which?", options = ["a", "b"], answer = "x", image = new ImageColumn { bytes = Png } }]);
        var data = DataSets.Load($"ai2d={_folder.File("ai2d")}", Request());
        Assert.Equal([1, 0], new[] { "C.", "c d" }.Select(a => data.Score(data.Samples.Single(), a).Value));
        Broken(data, "row 1", "'x'");
        await Parquet("mmstar/val.parquet",
            [new Row { index = 3, question = "Which?\nOptions: A: a, B: b, C: c, D: d", answer = "B", category = "math",
                l2_category = "geometry", image = new ImageColumn { bytes = Png } }]);
        data = DataSets.Load($"mmstar={_folder.File("mmstar")}", Request());
        Assert.EndsWith("D: d\nAnswer with the option's letter from the given choices directly", data.Samples.Single().Prompt);
        Assert.Equal(1, data.Score(data.Samples[0], "The answer is B").Value);
        Assert.Equal(100, data.Headline([(data.Samples[0], "B")])["macro mean, %"]);
        // VLMEvalKit takes the plain mean.
        Assert.Equal("macro mean, %", data.PaperFigure);
        Assert.Null(DataSets.Load($"mmstar={_folder.File("mmstar")}", Request(PromptStyle.Qwen)).PaperFigure);
    }

    [Fact]
    public void ChartQa_AndDocVqa_ReadOriginals()
    {
        Write("chart/test_human.json",
            """[{"imgname": "c.png", "query": "How much?", "label": "10"}, {"imgname": "c.png", "query": "?"}]""");
        Write("chart/test_augmented.json", """[{"imgname": "c.png", "query": "Which?", "label": "blue"}]""");
        Image("chart/png/c.png");
        var data = DataSets.Load($"chartqa={_folder.File("chart")}", Request());
        Assert.Equal(["human", "augmented"], data.Samples.Select(s => s.Category));
        Broken(data, "test_human.json item 1", "'label'");
        Assert.Equal([1, 0], new[] { "10.4", "11" }.Select(a => data.Score(data.Samples[0], a).Value));
        Write("doc/val_v1.0_withQT.json", """{"dataset_name": "docvqa", "data": [{"questionId": 4, "question": "Who?", "image": "documents/d.png", "answers": ["R. J. Reynolds"]}]}""");
        Image("doc/documents/d.png");
        data = DataSets.Load($"docvqa={_folder.File("doc")}", Request());
        Assert.Equal(13.0 / 14, data.Score(data.Samples.Single(), "R. J. Reynold").Value, 9);
    }

    [Fact]
    public void Captions_AreScoredAgainstTheSet()
    {
        Write("nocaps_val_4500_captions.json", """{"images": [{"id": 1, "file_name": "1.jpg"}, {"id": 2, "file_name": "2.jpg"}, {"id": 3, "file_name": "3.jpg"}], "annotations": [{"image_id": 1, "caption": "A man rides a brown horse."}, {"image_id": 1, "caption": "A man on a horse"}, {"image_id": 2, "caption": "Two dogs play with a ball."}]}""");
        for (var i = 1; i <= 3; i++) Image($"val/{i}.jpg");
        var data = Load("nocaps");
        Assert.Equal(2, data.Samples.Count);
        Broken(data, "item 2", "no caption");
        Assert.True(data.Score(data.Samples[0], "A man rides a brown horse").Value > data.Score(
            data.Samples[0], "Two dogs play with a ball").Value);
        Assert.Equal("Provide a one-sentence caption for the provided image.", data.Samples[0].Prompt);
        Assert.Equal([(64, 0), (2048, 0), (30, 8)], Lengths("nocaps"));
    }

    /// <summary>LLaVA's or lmms-eval's limit, VLMEvalKit's, InternVL's, which also wants a token.</summary>
    [Theory]
    [InlineData("ai2d", 16, 10)]
    [InlineData("mmstar", 16, 16)]
    [InlineData("docvqa", 32, 100)]
    [InlineData("chartqa", 16, 100)]
    [InlineData("mmbench_en", 1024, 128)]
    public void Lengths_AreThoseOfTheHarness(string name, int llava, int internVL)
    {
        Tsv("table.tsv", "index\tquestion\tA\tB\tanswer\timage", $"7\tWhich?\tcat\tdog\tA\t{Base64}");
        Assert.Equal([(llava, 0), (2048, 0), (internVL, 1)], Lengths(name));
    }

    [Fact]
    public async Task RefCoco_ReadsLinesAndTakesParquetObjectsApart()
    {
        Write("lines/refcoco_testA.jsonl",
            "{\"image\": \"data/coco/train2014/r.jpg\", \"sent\": \"the red cup\", \"bbox\": [10, 5, " +
            "30, 15], \"width\": 40, \"height\": 20}\n{\"image\": \"r.jpg\", \"sent\": \"x\", \"bbox\": " +
            "[1, 2], \"width\": 40, \"height\": 20}\n");
        Image("lines/train2014/r.jpg");
        var lines = DataSets.Load($"refcoco={_folder.File("lines")}", Request() with { Split = "testA" });
        Broken(lines, "line 2", "four numbers");
        Assert.Equal("Please provide the bounding box coordinate of the region this sentence describes: <ref>the red cup</ref> " +
            "(Coordinate system: x-axis is horizontal, y-axis is vertical, with the top-left corner as the origin [0.0, 0.0] and the " +
            "bottom-right corner as [1.0, 1.0])", lines.Samples.Single().Prompt);
        Assert.Equal("\n", lines.Samples[0].BeforeImage); // the turn is "\n<image>\n" and the text
        Assert.Equal(1, lines.Score(lines.Samples[0], "[0.25, 0.25, 0.75, 0.75]").Value);
        Assert.False(lines.Score(lines.Samples[0], "there").IsParsed);
        // The same box in a square of 40 with the image in its middle.
        Assert.Equal(100, lines.Headline([(lines.Samples[0], "[0.25, 0.375, 0.75, 0.625]")])["padding taken out, %"]);
        var intern = DataSets.Load($"refcoco={_folder.File("lines")}", Request(PromptStyle.InternVL) with { Split = "testA" });
        Assert.Equal("", intern.Samples.Single().BeforeImage);
        Assert.Equal(1, intern.Score(intern.Samples.Single(), "<ref>the red cup</ref><box>[[250, 250, 750, 750]]</box>").Value);
        await Parquet("parquet/data/testB-00000-of-00001.parquet",
            [new Row { question_id = "q", expressions = ["left cup", "blue"], bbox = [10, 5, 20, 10],
                image = new ImageColumn { bytes = Png } },
                new Row { question_id = "e", expressions = ["x"], bbox = [10, 5, 0, 10], image = new ImageColumn { bytes = Png } }],
                r => new ObjectRow { question_id = r.question_id, answer = r.expressions, bbox = r.bbox, image = r.image });
        var objects = DataSets.Load($"refcoco+={_folder.File("parquet")}", Request(PromptStyle.Qwen) with { Split = "testB" });
        Assert.Equal(["left cup", "blue"], objects.Samples.Select(s => s.Question));
        Assert.Equal((40, 20), (objects.Samples[0].Width, objects.Samples[0].Height));
        Broken(objects, "row 1", "empty");
    }

    /// <summary>A model's coordinates are those of what it saw: a crop, or an image of another size.</summary>
    [Fact]
    public void RefCoco_MapsBoxesBackAsTheImageWasFitted()
    {
        Write("refcoco_val.jsonl", """{"image": "r.jpg", "sent": "cup", "bbox": [10, 5, 30, 15], "width": 40, "height": 20}""");
        Image("train2014/r.jpg");
        var cropped = DataSets.Load($"refcoco={_folder.Path}", Request() with
        {
            Split = "val", AsServed = true, Units = (width, height) => new PixelFrame((width - height) / 2.0, 0, height, height),
        });
        Assert.Equal(100,
            cropped.Headline([(cropped.Samples.Single(), "[0, 0.25, 1, 0.75]")])["mapped back through the image's fit, %"]);
        Assert.False(cropped.Samples[0].AsPublished);
        // Resized to twice its size, where the default limits would make it 84 x 56.
        var resized = DataSets.Load($"refcoco={_folder.Path}", Request(PromptStyle.Qwen) with
        {
            Split = "val", Units = (_, _) => new PixelFrame(0, 0, 0.5, 0.5),
        });
        Assert.Equal(new SampleScore(1, 1), resized.Score(resized.Samples.Single(), "[20, 10, 60, 30]"));
    }

    /// <summary>All of RefCOCO lies in one folder as published.</summary>
    [Fact]
    public async Task RefCoco_TakesItsOwnFilesAmongTheOthers()
    {
        foreach (var name in new[] { "refcoco+_val", "refcoco_val", "refcocog_val", "refcoco_testA", "refcoco_testB" })
            Write($"{name}.jsonl",
                $"{{\"image\": \"r.jpg\", \"sent\": \"{name}\", \"bbox\": [1, 1, 9, 9], \"width\": 40, \"height\": 20}}");
        Image("train2014/r.jpg");
        foreach (var name in new[] { "refcoco", "refcoco+", "refcocog" })
            Assert.Equal(name + "_val", DataSets.Load(
                $"{name}={_folder.Path}", Request() with { Split = "val" }).Samples.Single().Question);
        var error = Assert.Throws<ArgumentException>(() => Load("refcoco")); // "test" could be either
        Assert.Contains("refcoco_testA.jsonl, refcoco_testB.jsonl", error.Message);
        foreach (var part in new[] { "test", "testA" })
            await Parquet($"parquet/data/{part}-00000-of-00001.parquet",
                [new Row { question_id = part, expressions = [part], bbox = [10, 5, 20, 10], image = new ImageColumn { bytes = Png } }],
                r => new ObjectRow { question_id = r.question_id, answer = r.expressions, bbox = r.bbox, image = r.image });
        Assert.Equal("test", DataSets.Load($"refcoco={_folder.File("parquet")}", Request()).Samples.Single().Question);
    }

    [Fact]
    public void SeveralTables_AreNoGuess()
    {
        foreach (var name in new[] { "AI2D_TEST", "MMBench_DEV_EN" })
            Tsv($"{name}.tsv", "index\tquestion\tA\tB\tanswer\timage", $"7\t{name}?\tcat\tdog\tA\t{Base64}");
        Assert.Contains("AI2D_TEST.tsv, MMBench_DEV_EN.tsv", Assert.Throws<ArgumentException>(() => Load("mmbench_en")).Message);
        Assert.Equal("MMBench_DEV_EN?", DataSets.Load(
            $"mmbench_en={_folder.File("MMBench_DEV_EN.tsv")}", Request()).Samples.Single().Question);
    }

    /// <summary>Converted lines hold one answer of ten: alone it can score nothing.</summary>
    [Fact]
    public void VqaLines_TakeTheAnswersBesideThem()
    {
        Write("textvqa_train.jsonl", """{"question_id": 1, "image": "data/t/train_images/i.jpg", "question": "train", "answer": "x"}""");
        Write("textvqa_val.jsonl", """{"question_id": 7, "image": "data/t/train_images/i.jpg", "question": "brand?", "answer": "nike"}""");
        Image("train_images/i.jpg");
        Assert.Contains("one answer", Assert.Throws<InvalidDataException>(() => Load("textvqa", PromptStyle.InternVL)).Message);
        Write("textvqa_val_annotations.json", """
            {"annotations": [{"question_id": 7, "answers": [{"answer": "nike"}, {"answer": "nike"}, {"answer": "nike"}, {"answer": "nike"}]}]}
            """);
        var data = Load("textvqa", PromptStyle.InternVL);
        Assert.Equal("brand?", data.Samples.Single().Question);
        Assert.Equal(Png, data.Samples[0].ReadImage!());
        Assert.Equal(1, data.Score(data.Samples[0], "nike").Value);
    }

    [Fact]
    public async Task MmBenchParquet_HasTheWordNanWhereNothingStands()
    {
        await Parquet("en/dev-00000-of-00001.parquet", [new Row()], _ => new ChoiceRow
        {
            index = 3, question = "Which?", hint = "nan", A = "cat", B = "dog", C = "nan", D = "nan", answer = "B",
            image = new ImageColumn { bytes = Png },
        });
        var sample = Load("mmbench_en").Samples.Single();
        Assert.Equal(["cat", "dog"], sample.Options);
        Assert.DoesNotContain("nan", sample.Prompt);
    }

    [Theory]
    [InlineData("okvqa", "data/val2014-00000-of-00002.parquet", "test")]
    [InlineData("refcoco", "data/testA-00000-of-00001.parquet", "testA")]
    public void Fetch_WantsTheFilesThatAreThere(string name, string file, string split) => Assert.True(DataSets.Wants(name, file, split));

    [Fact]
    public void Limit_TakesWholeImagesOfASeed()
    {
        var lines = Enumerable.Range(0, 40)
            .Select(i => $"{{\"image\": \"r{i / 2}.jpg\", \"sent\": \"s{i}\", \"bbox\": [1, 1, 9, 9], \"width\": 40, \"height\": 20}}");
        Write("refcoco_val.jsonl", string.Join('\n', lines));
        for (var i = 0; i < 20; i++) Image($"train2014/r{i}.jpg");
        string[] Ids(ulong seed) =>
            [.. DataSets.Load($"refcoco={_folder.Path}",
                Request() with { Split = "val", Limit = 10, Seed = seed }).Samples.Select(s => s.Id)];
        Assert.Equal(10, Ids(1).Length);
        Assert.Equal(Ids(1), Ids(1));
        Assert.NotEqual(Ids(1), Ids(2));
        var sampled = DataSets.Load($"refcoco={_folder.Path}", Request() with { Split = "val", Limit = 10 });
        Assert.All(sampled.Samples.GroupBy(s => s.ImageKey), g => Assert.Equal(2, g.Count()));
        Assert.Equal(("val", false), (sampled.Part, sampled.IsWhole));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("gqa")]
    public void WrongNames_AndMissingPaths_AreTold(string text) =>
        Assert.Contains(text, Assert.Throws<ArgumentException>(() => DataSets.Load(text, Request())).Message);

    [Fact]
    public void DamagedParquet_IsNamed()
    {
        Write("data/test-00000-of-00001.parquet", "no parquet at all");
        Assert.Contains("test-00000", Assert.Throws<InvalidDataException>(() => Load("ai2d")).Message);
    }

    private EvaluationData Load(string name, PromptStyle style = PromptStyle.Llava) =>
        DataSets.Load($"{name}={_folder.Path}", Request(style));

    private IEnumerable<(int Most, int Fewest)> Lengths(string name) =>
        new[] { PromptStyle.Llava, PromptStyle.Qwen, PromptStyle.InternVL }.Select(s => Load(name, s).Samples[0])
        .Select(s => (s.MaxNewTokens, s.MinNewTokens));

    private static DataRequest Request(PromptStyle style = PromptStyle.Llava) => new("test", 1000, 1, style);

    private static void Broken(EvaluationData data, params string[] words) =>
        Assert.Contains(data.Problems, p => words.All(w => p.Contains(w, StringComparison.Ordinal)));

    private void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(file))!);
        File.WriteAllText(_folder.File(file), text);
    }

    private void Image(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(file))!);
        File.WriteAllBytes(_folder.File(file), Png);
    }

    private void Tsv(string file, params string[] lines) => Write(file, string.Join('\n', lines) + "\n");

    private Task Parquet(string file, IEnumerable<Row> rows) => Parquet(file, rows, r => r);

    private async Task Parquet<T>(string file, IEnumerable<Row> rows, Func<Row, T> shape)
        where T : class, new()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(file))!);
        await using var stream = File.Create(_folder.File(file));
        await ParquetSerializer.SerializeAsync(rows.Select(shape), stream);
    }
}
