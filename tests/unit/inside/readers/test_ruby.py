"""Gems. Values of specifications are as RubyGems writes them."""

import pytest

from orlop.adapters.inside.readers.ruby import RUBY, RUBY_LOCK, read_ruby, read_ruby_lock
from tests.packages import licences, listed

_PATH = "usr/lib/ruby/gems/3.1.0/specifications/rails-7.0.4.gemspec"
_SPECIFICATION = """# -*- encoding: utf-8 -*-
# stub: rails 7.0.4 ruby lib

Gem::Specification.new do |s|
  s.name = "rails".freeze
  s.version = "7.0.4"
  s.authors = ["David Heinemeier Hansson".freeze]
  s.licenses = ["MIT".freeze, "Ruby\\u0020License".freeze]
  s.required_ruby_version = Gem::Requirement.new(">= 2.7.0".freeze)
  s.add_runtime_dependency(%q<activesupport>.freeze, ["= 7.0.4"])
end
"""

_LOCK = """GIT
  remote: https://example.com/rack.git
  specs:
    rack (3.0.0)
      webrick (~> 1)

GEM
  remote: https://example.com/
  specs:
    nokogiri (1.15.0-x86_64-linux)
      racc (~> 1.4)
    nokogiri (1.15.0-arm64-darwin)
    racc (1.7.1)

DEPENDENCIES
  rack!

BUNDLED WITH
   2.4.1
"""


def test_a_specification() -> None:
    found = read_ruby(_PATH, _SPECIFICATION.encode())
    assert listed(found) == ["gem:rails@7.0.4"]
    assert licences(found) == {"rails": ("MIT", "Ruby License")}


@pytest.mark.parametrize(
    ("text", "gems"),
    [
        ("# stub: a 1.2 ruby lib\nGem::Specification.new { |s| s.version = V }\n", ["gem:a@1.2"]),
        ("spec.name = 'a'\nspec.version = '1'\nspec.license = 'MIT'\n", ["gem:a@1"]),
        ("s.name = 'a'\ns.version = File.read('VERSION')\n", []),
        ("s.name = 'a'\ns.version = Gem::Version.new('2')\n", ["gem:a@2"]),
        ("s.name = NAME\ns.version = '1'\n", []),
        ("s.name = `id`\n", []),
    ],
)
def test_ruby_is_never_run(text: str, gems: list[str]) -> None:
    assert listed(read_ruby(_PATH, text.encode())) == gems


def test_which_files() -> None:
    assert RUBY.wants(_PATH, 0o644, 1)
    assert RUBY.wants("specifications/default/json-2.6.gemspec", 0o644, 1)
    assert not RUBY.wants("srv/app/app.gemspec", 0o644, 1)
    assert RUBY_LOCK.wants("srv/Gemfile.lock", 0o644, 1)


def test_what_is_locked() -> None:
    """A gem that is locked for two platforms is one; what a gem needs is not what is locked."""
    found = read_ruby_lock("srv/Gemfile.lock", _LOCK.encode())
    assert listed(found) == ["gem:nokogiri@1.15.0", "gem:racc@1.7.1", "gem:rack@3.0.0"]
