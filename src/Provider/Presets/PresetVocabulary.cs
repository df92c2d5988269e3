using System.Text.RegularExpressions;

namespace D2Pruner.AI;

/// <summary>
/// Phrases that show what a request wants, in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese,
/// Japanese and Korean. Matched against lower-cased text.
/// </summary>
internal static partial class PresetVocabulary
{
    /// <summary>Boxes or coordinates are named: sure.</summary>
    [GeneratedRegex(
        """
        \bb(ounding[\s-]*)box(es)?\b | \bbbox(es|_2d)?\b | \bcoordinates?\b | <(ref|box)>
        | \b(x1|xmin|x_min)\b.{0,20}\b(y1|ymin|y_min)\b | \bground(ing)?\s+(the|each|every|all)\b
        | \bbegrenzungsrahmen\b | \bbounding[\s-]*box(en)?\b | \bkoordinaten\b | \bboîtes?\s+englobantes?\b | \bcadres?\s+englobants?\b
        | \bcoordonnées\b
        | \b(cuadros?|cajas?)\s+delimitador(a|es|as)?\b | \bcoordenadas\b | \briquadr[oi]\s+di\s+delimitazione\b
        | \bcoordinate\s+(di|del|della|dei|delle)\b | \bcaixas?\s+delimitadoras?\b
        | \bbegrenzingsvak(ken)?\b | \bcoördinaten\b | \bramk[aięą]\s+ograniczając | \bwspółrzędne\b | ограничивающ\w+\s+рамк | координат
        | 边界框 | 边框 | 检测框 | 坐标 | 邊界框 | 座標 | バウンディングボックス | 경계\s*상자 | 바운딩\s*박스 | 좌표
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    public static partial Regex Boxes();

    /// <summary>A place in the picture is asked for.</summary>
    [GeneratedRegex(
        """
        \b(locate|localize|localise|pinpoint)\b | \bwhere(\s+exactly)?\s+(is|are|in|on|can|do|does|did\s+you\s+see)\b | \bwhere's\b
        | \bpoint\s+(to|at|out\s+where)\b | \b(show|tell)\s+me\s+where\b
        | \b(position|location)s?\s+of\b | \bfind\s+(the|all|every|each)\b.{0,60}\bin\s+(the|this)\s+(image|picture|photo|scene|frame)\b
        | \boutline\s+the\b | \bdetect\s+(the|all|every|each|any|objects?)\b
        | \bin\s+which\s+(corner|part|area|region)\b | \bwhich\s+(corner|side)\b | \bmark\s+(the|all|each|every)\b
        | \bwo\s+(genau\s+)?(ist|sind|befinde\w*|liegt|liegen|steht|stehen|sitzt|sitzen|hängt)\b | \blokalisier\w*
        | \bzeige?\s+(mir\s+)?(auf|wo)\b | \bposition\s+(der|des|von|du|de|d'|della?|del)\b
        | \boù\s+(est|sont|se\s+trouv\w*)\b | \blocalise[rz]?\b | \bmontre[rz]?(-moi)?\s+où\b
        | \bdónde\s+(está|están|se\s+encuentra\w*|hay)\b | \blocaliza\w*\b | \bseñala\w*\b | \bposición\s+de\b
        | \bdov'è\b | \bdove\s+(sono|si\s+trov\w*|sta|è)\b | \bindividua\b | \bposizione\s+(di|del|della)\b
        | \bonde\s+(está|estão|fica\w*|se\s+encontra\w*)\b | \blocalize\b | \bposição\s+d[aeo]\b
        | \bwaar\s+(is|zijn|staat|staan|ligt|liggen|bevind\w*|zit)\b | \bgdzie\s+(jest|są|znajduj\w*|leży|stoi)\b | \bzlokalizuj\b
        | (^|\W)где\s+(находит\w*|расположен\w*|стоит|лежит|сидит|здесь|на\s+(картинке|фото|изображении)|тут)| (^|\W)укажи\w*\s+(где
          |местоположение|положение) | местоположени | (^|\W)найди\w*\s+на\s+(картинке|фото|изображении)
        | 在哪 | 哪里 | 哪裡 | 什么位置 | 的位置 | 定位 | 指出 | どこ | の位置 | 場所を | 어디 | 위치
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    public static partial Regex Places();

    /// <summary>"Where" about the world, not about the picture.</summary>
    [GeneratedRegex(
        """
        \bwhere\s+(is|are|was|were|in\s+the\s+world|do\s+you\s+think|could|can|did)\b.{0,50}\b(taken|photographed|shot|filmed|captured
          |come\s+from|from|made|manufactured|produced|born|buy|bought)\b | \bwhere\s+is\s+this(\s+(place|photo|picture))?\s*\?*\s*$
        | \bwo\s+(ist|sind|wurde)\b.{0,40}\b(aufgenommen|fotografiert|hergestellt|entstanden)\b
        | \boù\b.{0,40}\b(prise?s?|photographiée?s?|fabriquée?s?)\b | \bdónde\b.{0,40}\b(tomad[ao]|sacad[ao]|fabricad[ao]|hech[ao])\b
        | \bdov.{0,40}\b(scattat[ao]|prodott[ao])\b | \bonde\b.{0,40}\b(tirada|fabricad[ao])\b | 在哪里?(拍|买|生产|制造) | 哪里(拍|买|生产|制造)的?
        | どこで(撮|買|作) | 어디(에)?서\s*(찍|촬영|만들|구매)
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    public static partial Regex WorldPlaces();

    /// <summary>Text in the picture has to be read.</summary>
    [GeneratedRegex(
        """
        \bocr\b
        | \b(read|transcribe|extract)\b.{0,40}\b(text|words?|sign|label|letters?|receipt|invoice|document|form|page|number|plate|serial
          |handwriting|table|menu|note|screen|fields?)\b | \btranscribe\b
        | \b(what|which)\s+(does|do|is|are|word|words|text)\b.{0,40}\b(say|says|written|printed|read)\b
        | \b(text|writing|wording)\s+(in|on|of)\s+(the|this)\b
        | \b(invoice|receipt|document|spreadsheet|contract|screenshot|scanned|license\s+plate|licence\s+plate|handwrit\w+|serial\s+number
          |infographic|chart|diagram|table)\b
        | \blies\b.{0,40}\b(text|schild|dokument|rechnung|beleg)\b
        | \b(rechnung|kassenzettel|beleg|dokument|nummernschild|handschrift|transkribier\w*)\b | \b(steht|geschrieben)\s+(auf|in|im)\b
        | \bwas\s+steht\b
        | \b(facture|reçu|plaque\s+d'immatriculation|transcri\w+|texte|manuscrit\w*)\b | \blis(ez)?\s+(le|la|les)\b | \bécrit\b
        | \b(factura|recibo|matrícula|documento|texto|escrit[oa]|manuscrit[oa])\b | \btranscrib\w+ | \blee\s+(el|la|los|las)\b
        | \b(fattura|scontrino|ricevuta|testo|trascriv\w+|targa)\b | \bleggi\b
        | \b(nota\s+fiscal|fatura|transcrev\w+|placa\s+do)\b | \b(factuur|bonnetje|kenteken|tekst)\b
        | \b(faktur\w+|paragon\w*|tekst|przeczytaj|odczytaj)\b
        | (^|\W)(прочита\w*|текст\w*|надпис\w*|документ\w*|счет-фактур\w*|чек\w?|распознай\w*|написано)(\W|$)
        | 文字 | 文本 | 识别 | 識別 | 发票 | 發票 | 收据 | 写着 | 寫著 | 车牌 | 表格 | 文書 | テキスト | 領収書 | 請求書 | 読み取 | 読んで | 書いて | 書かれ | 텍스트 | 글자 | 글씨 | 영수증
        | 문서 | 읽어 | 쓰여 | 적혀
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    public static partial Regex Reading();
}
