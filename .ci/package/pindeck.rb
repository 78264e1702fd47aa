# The formula of one release for Homebrew on Linux; .ci/release writes version, target and digest into it.
class Pindeck < Formula
  desc "Terminal release cockpit for GitOps teams: the digest is the release"
  homepage "https://github.com/#{ENV.fetch("PINDECK_REPOSITORY", "pindeck/pindeck")}"
  url "#{homepage}/releases/download/v@VERSION@/pindeck-@VERSION@-@TARGET@.tar.gz"
  version "@VERSION@"
  sha256 "@SHA256@"
  license any_of: ["MIT", "Apache-2.0"]
  depends_on "git"

  def install
    bin.install "pindeck"
    man1.install "pindeck.1"
    bash_completion.install "completions/pindeck.bash" => "pindeck"
    zsh_completion.install "completions/pindeck.zsh" => "_pindeck"
    fish_completion.install "completions/pindeck.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/pindeck --version")
  end
end
