//! Parsers of values that several subcommands take.

/// Makes a clap parser from the constructor of one of core's names.
pub(crate) fn parser<T, E: std::fmt::Display>(
    parse: impl Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| parse(text).map_err(|error| error.to_string())
}
