using System.ComponentModel;
using D2Pruner.AI.SemanticKernel;
using Microsoft.Extensions.AI;

namespace Microsoft.SemanticKernel;

/// <summary>
/// Lets a chat model that calls functions look at pictures through a vision-language model. Pictures are named by id or by a path below an allowed
/// folder, see <see cref="VisionImages"/>; the calling model never handles their bytes. Every function answers with short JSON; a picture that may
/// not or cannot be read becomes <c>{"error": ...}</c>, so that the caller can correct itself. Safe for concurrent use.
/// </summary>
public sealed class VisionPlugin
{
    private const string ImageHelp = "Id of a registered picture, or a path relative to the allowed folder.";
    private const string AnswerHelp = "JSON with the answer, or with an error.";

    private readonly PictureQuestions questions;

    /// <summary>Creates the plugin.</summary>
    /// <param name="client">The client that looks at pictures; borrowed.</param>
    /// <param name="images">The pictures it may look at.</param>
    /// <param name="options">Prompts and limits, copied; null takes the defaults.</param>
    /// <exception cref="System.ComponentModel.DataAnnotations.ValidationException">The options are invalid.</exception>
    public VisionPlugin(IChatClient client, VisionImages images, VisionPluginOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(images);
        questions = new PictureQuestions(client, images, (options ?? new VisionPluginOptions()).Validated());
    }

    /// <summary>Describes a picture.</summary>
    /// <param name="image">Id or relative path.</param>
    /// <param name="focus">What to pay attention to; empty for everything.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns><c>{"image", "answer"}</c> or <c>{"error"}</c>.</returns>
    [KernelFunction("describe_image")]
    [Description("Describes a picture in words.")]
    [return: Description(AnswerHelp)]
    public Task<string> DescribeImageAsync(
        [Description(ImageHelp)] string image,
        [Description("What to pay attention to; empty for everything.")] string focus = "",
        CancellationToken cancellationToken = default) => questions.DescribeAsync(image, focus, cancellationToken);

    /// <summary>Answers a question about a picture.</summary>
    /// <param name="image">Id or relative path.</param>
    /// <param name="question">The question.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns><c>{"image", "answer"}</c> or <c>{"error"}</c>.</returns>
    [KernelFunction("ask_image")]
    [Description("Answers a question about a picture.")]
    [return: Description(AnswerHelp)]
    public Task<string> AskImageAsync(
        [Description(ImageHelp)] string image,
        [Description("The question, in words.")] string question,
        CancellationToken cancellationToken = default) => questions.AskAsync(image, question, cancellationToken);

    /// <summary>Finds things in a picture.</summary>
    /// <param name="image">Id or relative path.</param>
    /// <param name="objects">What to find, separated by commas.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <returns>
    /// <c>{"image", "width", "height", "objects": [{"label", "box", "pixels"}], "not_found"}</c>, boxes as left, top, right, bottom in 0..1 of the picture
    /// and in its pixels; or <c>{"error"}</c>.
    /// </returns>
    [KernelFunction("locate_objects")]
    [Description("Finds things in a picture and returns their bounding boxes.")]
    [return: Description("JSON with a box per thing found: left, top, right, bottom, as fractions of the picture and in pixels; things not found are listed; or an error.")]
    public Task<string> LocateObjectsAsync(
        [Description(ImageHelp)] string image,
        [Description("What to find, separated by commas, e.g. \"the red car, the dog on the left\".")] string objects,
        CancellationToken cancellationToken = default) => questions.LocateAsync(image, objects, cancellationToken);

    /// <summary>Compares two pictures.</summary>
    /// <param name="firstImage">Id or relative path.</param>
    /// <param name="secondImage">Id or relative path.</param>
    /// <param name="question">What to compare; empty for the differences.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns><c>{"images", "answer"}</c> or <c>{"error"}</c>.</returns>
    [KernelFunction("compare_images")]
    [Description("Compares two pictures.")]
    [return: Description(AnswerHelp)]
    public Task<string> CompareImagesAsync(
        [Description("First picture: " + ImageHelp)] string firstImage,
        [Description("Second picture: " + ImageHelp)] string secondImage,
        [Description("What to compare; empty for all differences.")] string question = "",
        CancellationToken cancellationToken = default) => questions.CompareAsync(firstImage, secondImage, question, cancellationToken);
}
