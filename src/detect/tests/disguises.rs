//! Values in other spellings: those that are read. The README lists those that are not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{check, shown};

#[test]
fn separators_may_be_percent_encoded() {
    check(&[
        (
            "",
            "/x?to=%2Fi-0123456789abcdef0%26a%3DAKIAIOSFODNN7EXAMPLE",
            "/x?to=%2F[EC2]%26a%3D[ACCESS_KEY]",
        ),
        (
            "",
            "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fapp%2Fdeployer",
            "arn%3Aaws%3Aiam%3A%3A[ACCOUNT]%3Arole%2F[IAM_PATH]%2F[IAM_ROLE]",
        ),
    ]);
}

#[test]
fn entities_of_html_end_words() {
    check(&[(
        "",
        "&quot;i-0123456789abcdef0&quot; &lt;vpc-0123456789abcdef0&gt; &#39;AKIAIOSFODNN7EXAMPLE&#39; \
         &#x2F;arn:aws:s3:::acme-data&nbsp;",
        "&quot;[EC2]&quot; &lt;[VPC]&gt; &#39;[ACCESS_KEY]&#39; &#x2F;arn:aws:s3:::[S3_BUCKET]&nbsp;",
    )]);
}

#[test]
fn secrets_in_urls_and_html_have_escapes() {
    let token = "IQoJb3JpZ2luX2VjEJr%2F%2F%2F%2FwEaCXVzLWVhc3QtMSJHMEUCIQ%2BDx8yZabc%3D%3D";
    check(&[
        (
            "",
            &format!("/x?X-Amz-Security-Token={token}&X-Amz-Signature=0"),
            "/x?X-Amz-Security-Token=[SESSION_TOKEN]&X-Amz-Signature=0",
        ),
        (
            "",
            &format!("/x?u=%3FX-Amz-Security-Token%3D{}%26", token.replace('%', "%25")),
            "/x?u=%3FX-Amz-Security-Token%3D[SESSION_TOKEN]%26",
        ),
        (
            "",
            "secret_access_key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYzzQQ12KEYx&x",
            "secret_access_key=[SECRET_KEY]&x",
        ),
        (
            "",
            "aws_secret_access_key = 'wJalrXUtnFEMI&#x2F;K7MDENG&#43;bPxRfiCYzzQQ12KEYx'",
            "aws_secret_access_key = '[SECRET_KEY]'",
        ),
        (
            "",
            "arn:aws:iam::123456789012:role&#x2F;app&#47;deployer",
            "arn:aws:iam::[ACCOUNT]:role&#x2F;[IAM_PATH]&#47;[IAM_ROLE]",
        ),
    ]);
}

#[test]
fn escapes_of_json_are_read_at_any_depth() {
    check(&[
        ("", r"\u0069-0123456789abcdef0", "[EC2]"),
        ("", r"\\u0069-012345678\\u0039abcdef0", "[EC2]"),
        (
            "",
            r"arn:aws:iam::123456789012:role\/deployer",
            r"arn:aws:iam::[ACCOUNT]:role\/[IAM_ROLE]",
        ),
    ]);
}

#[test]
fn signs_without_a_width_and_of_full_width_are_read() {
    check(&[
        ("", "i-01234567\u{200b}89abcdef0 x", "[EC2] x"),
        ("", "an \u{ad}AKIAJ7Q2MX\u{2060}4TBF3K9Q2M", "an \u{ad}[ACCESS_KEY]"),
        ("", "ｉ－０１２３４５６７８９ａｂｃｄｅｆ０", "[EC2]"),
        ("", "i‑0123456789abcdef0", "[EC2]"),
        ("", "password：Tr4wb2kLq9。", "password：[DB_PASSWORD]。"),
        ("", "アカウント account：４８１５１６２３４２９９", "アカウント account：[ACCOUNT]"),
        (
            "",
            "<pre>{&quot;password&quot;: &quot;Tr4wb2kLq9&quot;}</pre>",
            "<pre>{&quot;password&quot;: &quot;[DB_PASSWORD]&quot;}</pre>",
        ),
        (
            "",
            r#"{"said": "set \u201cpassword: Tr4wb2kLq9\u201d"}"#,
            r#"{"said": "set \u201cpassword: [DB_PASSWORD]\u201d"}"#,
        ),
        ("", "password:\u{a0}Tr4wb2kLq9\u{a0}now", "password:\u{a0}[DB_PASSWORD]\u{a0}now"),
    ]);
}

#[test]
fn base64_of_text_is_masked_whole() {
    for text in [
        "export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "{\"instance\": \"i-0123456789abcdef0\", \"zone\": \"eu-west-1a\"}",
    ] {
        let encoded = STANDARD.encode(text);
        assert_eq!(shown(&format!("user_data: {encoded}\n"), ""), "user_data: [ENCODED]\n");
    }
    let harmless = STANDARD.encode("nothing but words are in this text of some length");
    assert_eq!(shown(&harmless, ""), harmless);
}
