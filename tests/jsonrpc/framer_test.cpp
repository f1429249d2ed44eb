#include "jsonrpc/framer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using jsonrpc::Framer;

namespace {

/// A framer and all it found.
struct Frames {
  explicit Frames(std::size_t limit = Framer::default_limit) : framer(limit) {}

  util::Result<void> feed(std::string_view bytes) {
    return framer.feed(bytes, [this](std::string_view text) {
      texts.emplace_back(text);
      return true;
    });
  }

  Framer framer;
  std::vector<std::string> texts;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("objects are found whatever stands between them") {
  Frames frames;
  REQUIRE(frames.feed("{\"a\":1}\n\n{\"b\":2}{} \t\r\n {\"c\":[{},{\"d\":{}}]}\n").ok());
  CHECK(frames.texts == Texts{"{\"a\":1}", "{\"b\":2}", "{}", "{\"c\":[{},{\"d\":{}}]}"});
}

TEST_CASE("white space alone is nothing") {
  Frames frames;
  REQUIRE(frames.feed("").ok());
  REQUIRE(frames.feed("\n\n \r\t").ok());
  CHECK(frames.texts.empty());
}

TEST_CASE("braces, quotes and backslashes in strings do not count") {
  const Texts objects{
      R"({"a":"}"})", R"({"a":"{{{"})", R"({"a":"\""})", R"({"a":"\\"})", R"({"a":"\\\"}"})", R"({"}\"{":"\u007d"})",
  };
  for (const auto& object : objects) {
    Frames frames;
    REQUIRE(frames.feed(object + object).ok());
    CHECK(frames.texts == Texts{object, object});
  }
}

TEST_CASE("a blank line inside an object does not end it") {
  Frames frames;
  REQUIRE(frames.feed("{\"a\":\n\n1}").ok());
  CHECK(frames.texts == Texts{"{\"a\":\n\n1}"});
}

TEST_CASE("every way to cut the stream gives the same objects") {
  const Texts expected{R"({"a":"x\\\"}{","b":{"c":[1,{}]}})", "{}", R"({"\\":"\\\\"})"};
  const std::string stream = expected[0] + "\n\n" + expected[1] + expected[2] + "\n";
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); ++second) {
      Frames frames;
      REQUIRE(frames.feed(stream.substr(0, first)).ok());
      REQUIRE(frames.feed(stream.substr(first, second - first)).ok());
      REQUIRE(frames.feed(stream.substr(second)).ok());
      REQUIRE(frames.texts == expected);
    }
  }
}

// The next three would take hours if anything were scanned twice.
TEST_CASE("a large message byte by byte takes linear time") {
  const std::string object = "{\"psbt\":\"" + std::string(1 << 20, 'A') + "\"}";
  Frames frames;
  bool ok = true;
  for (const char& c : object) ok = frames.feed({&c, 1}).ok() && ok;
  CHECK(ok);
  CHECK(frames.texts == Texts{object});
}

TEST_CASE("a string full of escapes takes linear time") {
  std::string object = "{\"a\":\"";
  for (int i = 0; i < 1 << 21; ++i) object += i % 2 == 0 ? "\\\"" : "\\n";
  object += "\"}";
  Frames frames;
  REQUIRE(frames.feed(object).ok());
  CHECK(frames.texts == Texts{object});
}

TEST_CASE("many messages in one read take linear time") {
  std::string stream;
  for (int i = 0; i < 1 << 18; ++i) stream += "{\"a\":[]}\n\n";
  Frames frames;
  REQUIRE(frames.feed(stream).ok());
  CHECK(frames.texts.size() == 1 << 18);
}

TEST_CASE("a message that lies in one read is not copied") {
  const std::string stream = "{\"a\":1} {\"b\":2}";
  Framer framer;
  std::vector<const char*> places;
  const auto fed = framer.feed(stream, [&places](std::string_view text) {
    places.push_back(text.data());
    return true;
  });
  REQUIRE(fed.ok());
  CHECK(places == std::vector<const char*>{stream.data(), stream.data() + 8});
}

TEST_CASE("a message over the limit is an error, in one read and in many") {
  const std::string fits = "{\"a\":\"12\"}";
  const std::string large = "{\"a\":\"123\"}";

  Frames whole(fits.size());
  REQUIRE(whole.feed(fits + fits).ok());
  auto fed = whole.feed(large);
  REQUIRE(!fed.ok());
  CHECK(fed.error().message == "message of more than 10 bytes: {\"a\":\"123\"}");

  Frames split(fits.size());
  REQUIRE(split.feed(fits.substr(0, 6)).ok());
  REQUIRE(split.feed(fits.substr(6)).ok());
  REQUIRE(split.feed(large.substr(0, 7)).ok());
  CHECK(!split.feed(large.substr(7)).ok());
  CHECK(split.texts == Texts{fits});
}

TEST_CASE("a message that has no end is cut off at the limit") {
  Frames frames(100);
  REQUIRE(frames.feed("{\"a\":\"" + std::string(94, 'x')).ok());
  CHECK(!frames.feed("x").ok());
}

TEST_CASE("quotes and brackets in a word do not count, as with lightningd's own reader") {
  const Texts objects{R"({"a":12"})", R"({"a":[x"y{z[,1]})", R"({"a":{"b":-"},"c":'"' })", "{\"a\":\"\n}\"}"};
  for (const auto& object : objects) {
    Frames frames;
    REQUIRE(frames.feed(object + "\n\n" + object).ok());
    CHECK(frames.texts == Texts{object, object});
    Frames bytes;
    for (const char& c : object + object) REQUIRE(bytes.feed({&c, 1}).ok());
    CHECK(bytes.texts == Texts{object, object});
  }
}

TEST_CASE("text between objects is one text, up to the next blank line") {
  const std::string stream = "{} \n warning: \x01 {\"a\":1}\n \n\n{\"b\":2}\n\n}}\n\n{}";
  const Texts expected{"{}", "warning: \x01 {\"a\":1}\n \n\n", "{\"b\":2}", "}}\n\n", "{}"};
  Frames whole;
  REQUIRE(whole.feed(stream).ok());
  CHECK(whole.texts == expected);
  Frames bytes;
  for (const char& c : stream) REQUIRE(bytes.feed({&c, 1}).ok());
  CHECK(bytes.texts == expected);
}

TEST_CASE("of text between objects only the beginning is kept") {
  Frames frames(10'000);
  for (int i = 0; i < 20; ++i) REQUIRE(frames.feed(std::string(1000, 'x')).ok());
  CHECK(frames.texts.empty());
  REQUIRE(frames.feed("\n\n{}").ok());
  CHECK(frames.texts == Texts{std::string(4096, 'x'), "{}"});
}

TEST_CASE("100,000 levels are no matter") {
  const std::string object = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  Frames frames;
  REQUIRE(frames.feed(object).ok());
  CHECK(frames.texts == Texts{object});
}

// Whoever may call one command would speak for lightningd otherwise; see docs/typed-input.md.
TEST_CASE("a blank line and a message that a caller has typed are never a message, whole or behind a broken one") {
  const std::string typed = "\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"multifundchannel\"}\n\n";
  const std::string in_string = R"(\n\n{\"method\":\"multifundchannel\"})";
  for (const auto& object : {"{\"params\":[" + typed + "]}", "{\"params\":[1\"2," + typed + "]}",
                             "{\"params\":\"\n\n" + in_string + "\n\n\"}"}) {
    Frames frames;
    REQUIRE(frames.feed(object + "\n\n").ok());
    CHECK(frames.texts == Texts{object});
  }
  Frames unbalanced(10'000);
  REQUIRE(unbalanced.feed("{\"params\":[{]}" + typed + typed).ok());
  CHECK(unbalanced.texts.empty());
  CHECK_FALSE(unbalanced.feed(std::string(10'000, ' ')).ok());  // then the plugin ends
  const std::string unfinished = "{\"params\":\"}";
  Frames by_chance;
  REQUIRE(by_chance.feed(unfinished + typed + "{}").ok());
  CHECK(by_chance.texts == Texts{unfinished + typed.substr(0, typed.size() - 2), "{}"});
}

TEST_CASE("nothing is found after `found` returned false") {
  Framer framer;
  int count = 0;
  const auto fed = framer.feed("{}{}", [&count](std::string_view) {
    ++count;
    return false;
  });
  CHECK(fed.ok());
  CHECK(count == 1);
}

TEST_CASE("the framer may be destroyed while it hands out a message") {
  for (const std::string begun : {"", "{\"a\":\"a rather long string, longer than a small one\","}) {
    auto framer = std::make_unique<Framer>();
    REQUIRE(framer->feed(begun, [](std::string_view) { return false; }).ok());
    std::string seen;
    const std::string rest = begun.empty() ? "{\"b\":1}{}" : "\"b\":1}{}";
    const auto fed = framer->feed(rest, [&framer, &seen](std::string_view text) {
      framer.reset();
      seen = text;  // the text outlives the framer
      return false;
    });
    CHECK(fed.ok());
    CHECK(seen == begun + rest.substr(0, rest.size() - 2));
  }
}
