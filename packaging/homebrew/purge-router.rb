# Homebrew's formula. `cargo xtask release command` replaces the names between @ and @, and writes it without this comment.

class PurgeRouter < Formula
  desc "Turns S3 object events into Cloudflare cache purges, for many sites and teams"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license "MIT"

  on_macos do
    url "@REPOSITORY@/releases/download/v@VERSION@/purge-router-@VERSION@.tar.gz"
    sha256 "@SOURCE_SHA256@"
    depends_on "rust" => :build
  end

  on_linux do
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/purge-router-@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@PROGRAM_SHA256@"
    end
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/purge-router-@VERSION@.tar.gz"
      sha256 "@SOURCE_SHA256@"
      depends_on "rust" => :build
    end
  end

  def install
    if File.exist?("purge-router")
      bin.install "purge-router"
    else
      system "cargo", "install", *std_cargo_args(path: "crates/cli")
    end
    generate_completions_from_executable(bin/"purge-router", "completions")
    system bin/"purge-router", "man", man1
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/purge-router --version")
    system bin/"purge-router", "init", "mappings.toml"
    system bin/"purge-router", "check", "--mappings", "mappings.toml"
  end
end
