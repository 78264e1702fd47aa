# The formula of one release for Homebrew on Linux; .ci/package/formula writes source, version and archives into it.
class Pindeck < Formula
  desc "Terminal release cockpit for GitOps teams: the digest is the release"
  homepage "@SOURCE@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]
  depends_on "git"
  depends_on :linux

@ARCHIVES@
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
