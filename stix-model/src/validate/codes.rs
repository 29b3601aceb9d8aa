//! Codes of languages and countries, which a tag or a property may name.

use super::format;
use super::subject::Sink;
use crate::finding::{Code, Severity};
use crate::json::Path;
use crate::schema::rule::Rule;

/// Advice about a language tag that is well-formed.
pub(crate) fn check_tag(tag: &str, rule: Rule, path: &Path<'_>, sink: &mut Sink) {
    if format::is_language_tag(tag)
        && let Some(message) = unlisted(tag)
    {
        sink.report(Severity::Warning, Code::Advice, path, rule, message);
    }
}

/// ISO 639-1, and what the registry of RFC 5646 keeps of its former codes; two letters each.
const LANGUAGES: &str = "\
     aaabaeafakamanarasavayazbabebgbhbibmbnbobrbscacechcocrcscucvcydadedvdzeeeleneoeseteufafffifjfofr\
     fygagdglgngugvhahehihohrhthuhyhziaidieigiiikinioisitiuiwjajijvjwkakgkikjkkklkmknkokrkskukvkwkyla\
     lblglilnloltlulvmgmhmimkmlmnmomrmsmtmynanbndnengnlnnnonrnvnyocojomorospapiplpsptqurmrnrorurwsasc\
     sdsesgshsiskslsmsnsosqsrssstsusvswtatetgthtitktltntotrtstttwtyugukuruzvevivowawoxhyiyozazhzu";

/// ISO 3166-1; two letters each.
const COUNTRIES: &str = "\
     ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCN\
     COCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHM\
     HNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMK\
     MLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW\
     SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI\
     VNVUWFWSYEYTZAZMZW";

/// Whether two letters are the code of a country, in either case.
pub(super) fn is_country(code: &str) -> bool {
    has(COUNTRIES, &code.to_ascii_uppercase())
}

/// What a well-formed tag of RFC 5646 names that no registry lists: a language, or a region. Only codes of two letters
/// are looked up.
pub(super) fn unlisted(tag: &str) -> Option<String> {
    let mut parts = tag.split('-');
    let language = parts.next()?;
    if language.len() == 2 && !has(LANGUAGES, &language.to_ascii_lowercase()) {
        return Some(format!("no language has the code `{language}`"));
    }
    // A part of one letter begins what is private, or registered elsewhere.
    if language.len() == 1 {
        return None;
    }
    let region = parts.take_while(|part| part.len() > 1).find(|part| part.len() == 2)?;
    (!is_country(region)).then(|| format!("no country has the code `{region}`"))
}

fn has(codes: &str, code: &str) -> bool {
    code.len() == 2 && codes.as_bytes().chunks_exact(2).any(|known| known == code.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::unlisted;

    #[test]
    fn codes_are_looked_up() {
        for listed in ["en", "pt-BR", "zh-Hant-TW", "DE-ch", "tlh", "en-u-xx", "x-xx", "i-klingon", "es-419"]
        {
            assert_eq!(unlisted(listed), None, "{listed}");
        }
        for unlisted_tag in ["xx", "jp", "en-UK", "zh-Hant-XX"] {
            assert!(unlisted(unlisted_tag).is_some(), "{unlisted_tag}");
        }
    }
}
