// Destinations as a person writes them.
#include "request/written_destinations.hpp"

#include <doctest/doctest.h>

#include "json/writer.hpp"
#include "request_samples.hpp"

using namespace request;
using namespace request::test;
using bitcoin::Sat;
using util::str;

namespace {

util::Result<Request> parse(std::string_view text) {
  return parse_text(json::Writer().object().field("destinations", text).end().take());
}

/// "<id's last digit>[@<address>]=<satoshi or share>" of each destination.
std::string shown(const util::Result<Request>& request) {
  REQUIRE_MESSAGE(request, error_of(request));
  std::string text;
  for (const auto& d : request->destinations) {
    CHECK(d.index == static_cast<std::size_t>(&d - request->destinations.data()));
    if (!text.empty()) text += ' ';
    text += d.id.hex().back();
    if (!d.address.empty()) text += "@" + d.address;
    text += '=' + (d.share ? d.share->text : std::to_string(d.amount.value));
  }
  return text;
}

const std::string a = node('1');
const std::string b = node('2');
const std::string c = node('3');

std::string upper(std::string text) {
  for (auto& character : text) character = static_cast<char>(std::toupper(character));
  return text;
}

}  // namespace

TEST_CASE("one text with several destinations: white space or commas between, comments up to the end of the line") {
  CHECK(shown(parse(a + "=500000")) == "1=500000");
  CHECK(shown(parse(a + "@host:9735=500000 " + b + "=600000")) == "1@host:9735=500000 2=600000");
  CHECK(shown(parse(a + "=500000," + b + "=600000,")) == "1=500000 2=600000");
  CHECK(shown(parse(",, " + a + "=500000 ,\n\n, " + b + "=600000\n")) == "1=500000 2=600000");
  CHECK(shown(parse("# my peers\n\n" + a + "=500000  # the first, " + c + "=1\n# " + c + "=2\n" + b +
                    "=600000# no more")) == "1=500000 2=600000");
  CHECK(shown(parse(a + "=500000\r\n" + b + "=600000\r\n")) == "1=500000 2=600000");
  CHECK(shown(parse(a + "=500000 # one\r" + b + "=600000")) == "1=500000 2=600000");  // as old Macs ended lines
  CHECK(shown(parse("\xEF\xBB\xBF" + a + "\t=\t500000\v\f" + b + "\xC2\xA0= 600000")) == "1=500000 2=600000");
  CHECK(shown(parse(upper(a) + "=500000")) == "1=500000");
}

TEST_CASE("what is written has the same addresses and amounts as an object's id and amount") {
  CHECK(shown(parse(a + "@127.0.0.1:9735=0.01btc")) == "1@127.0.0.1:9735=1000000");
  CHECK(shown(parse(a + "@[2001:db8::1]:9735=546sat")) == "1@[2001:db8::1]:9735=546");
  const std::string onion = std::string(56, 'a') + ".onion:9735";
  CHECK(shown(parse(a + "@" + onion + "=546000msat")) == "1@" + onion + "=546");
  CHECK(shown(parse(a + "=all " + b + "=1000")) == "1=all 2=1000");
  CHECK(shown(parse(a + "=40% " + b + "=*2 " + c + "=*1")) == "1=40% 2=*2 3=*1");
}

TEST_CASE("an error in one text names line and column") {
  const auto error = [](std::string_view text) { return error_of(parse(text)); };
  const std::string wanted = "a destination is written <node id>@<host>:<port>=<amount>";
  CHECK(error(a + "=500000\r\n\t" + b + "=500") ==
        "-32602: destinations, line 2, column 69: output would be dust (less than 546sat), got \"500\"");
  CHECK(error("\xC3\xA4 # a\n") ==
        "-32602: destinations, line 1, column 1: has no = and amount: " + wanted + ", got \"\xC3\xA4\"");
  CHECK(error("# \xC3\xA4\xC3\xA4\n" + a + "=1000 # \xC3\xA4\n\xC2\xA0 abc=1000") ==
        "-32602: destinations, line 3, column 3: invalid node id: it has 66 hex digits, the first two 02 or 03, got "
        "\"abc\"");
  CHECK(error(a + "=1000, " + b + ",") ==
        "-32602: destinations, line 1, column 74: has no = and amount: " + wanted + ", got \"" + b + "\"");
  CHECK(error(a + "@h 1000") ==
        str("-32602: destinations, line 1, column 1: has no = and amount: ", wanted, ", got \"", a, "@h\""));
  for (const std::string text : {"=", "= ", "=\n1000", "=,1000", "=#1000"}) {
    CHECK(error(a + text) ==
          str("-32602: destinations, line 1, column 1: has no amount after the =: ", wanted, ", got \"", a, "\""));
  }
  CHECK(error("\n =1000") ==
        "-32602: destinations, line 2, column 2: has no node id before the =: " + wanted + ", got \"\"");
  CHECK(error(a + "@=1000") ==
        "-32602: destinations, line 1, column 1: has no address after the @, got \"" + a + "@\"");
  CHECK(error(a + "=1000=2") ==
        "-32602: destinations, line 1, column 68: should be a satoshi amount, as 123, 123sat, "
        "123000msat or 0.01btc, got \"1000=2\"");
  CHECK(error(a + "=500,000").starts_with("-32602: destinations, line 1, column 72: has no = and amount: "));
  CHECK(error(a + "=all\n" + b + "=all") ==
        "-32602: destinations, line 2, column 1: only one destination can indicate \"all\" for 'amount'., got \"" + b +
            "\"");
  CHECK(error(a + "=60%\n" + b + "=60%") ==
        "-32602: destinations, line 2, column 68: the percentages up to here are more than 100%, got \"60%\"");
  CHECK(error(a + "=1000 " + upper(a) + "@h=1000") ==
        str("-32602: destinations, line 1, column 73: Duplicate destination: this id came before, got \"", upper(a),
            "@h\""));
  for (const std::string_view empty : {"", " \r\n,", "# nobody"}) {
    CHECK(error(empty).starts_with("-32602: destinations: must have at least one entry: " + wanted));
  }
  CHECK(error(std::string("\0\x1b", 2)) ==
        "-32602: destinations, line 1, column 1: has no = and amount: " + wanted + ", got \"\\u0000\\u001b\"");
}

TEST_CASE("a list may hold texts and objects") {
  const auto list = [](const std::string& elements) { return parse_text(with_destinations(elements)); };
  const std::string object = destination(R"("amount":2000,"announce":false)", '2');
  const auto mixed = list("\"" + a + "@host=1000\"," + object + ",\" " + c + " = 40% # the rest\"");
  CHECK(shown(mixed) == "1@host=1000 2=2000 3=40%");
  CHECK(mixed->destinations[0].announce);
  CHECK_FALSE(mixed->destinations[1].announce);

  const auto error = [&](const std::string& text) { return error_of(list(object + ",\"" + text + "\"")); };
  CHECK(error(a + "=500") == "-32602: destinations[1].amount: output would be dust (less than 546sat), got \"500\"");
  CHECK(error("ab=1000") ==
        "-32602: destinations[1].id: invalid node id: it has 66 hex digits, the first two 02 or 03, got \"ab\"");
  CHECK(error(a).starts_with("-32602: destinations[1]: has no = and amount: a destination is written"));
  CHECK(error("").starts_with("-32602: destinations[1]: is empty: "));
  CHECK(error(a + "=1000 " + c + "=1000")
            .starts_with("-32602: destinations[1]: holds more than one destination: each is an element of its own"));
  CHECK(error(b + "=1000").starts_with("-32602: destinations[1]: Duplicate destination: this id came before"));
}

TEST_CASE("lightning-cli takes a text with a = in it for a name and its value") {
  const auto params = [](const std::string& members) { return parse_text("{" + members + "}"); };
  const auto found = params("\"" + a + "@host:9735\":500000,\"feerate\":\"slow\"");
  CHECK(shown(found) == "1@host:9735=500000");
  CHECK(found->feerate == "slow");
  CHECK(shown(params("\"" + a + "@h\":\"0.01btc\\n" + b + "=600000\",\"minconf\":0")) == "1@h=1000000 2=600000");
  CHECK(shown(params("\"" + a + "\":500000,\"" + b + "\":\"all\"")) == "1=500000 2=all");
  // A comment with a = in it; line breaks as they are, and escaped by lightningd's hook.
  CHECK(shown(params("\"# id\":\"amount\\n" + a + "=500000\"")) == "1=500000");
  const auto raw = json::Document::read("{\"\xEF\xBB\xBF# peers\n\n" + a + "\":500000}", "params");
  REQUIRE(raw);
  CHECK(shown(parse_request(raw->root(), "regtest")) == "1=500000");
  const auto escaped = json::Document::read(R"({"# peers\r\n)" + a + R"(":500000})", "params");
  REQUIRE(escaped);
  CHECK(shown(parse_request(escaped->root(), "regtest")) == "1=500000");
  const auto twice = json::Document::read(R"({"# peers\\r\\n)" + a + R"(":"500000\n)" + b + R"(=1000"})", "params");
  REQUIRE(twice);
  CHECK(shown(parse_request(twice->root(), "regtest")) == "1=500000 2=1000");
  const auto path = json::Document::read(R"({"# C:\\\\\\\\peers\r\n)" + a + R"(":500000})", "params");
  REQUIRE(path);
  CHECK(error_of(parse_request(path->root(), "regtest"))
            .starts_with("-32602: destinations: has a backslash before its first ="));

  const auto error = [&](const std::string& members) { return error_of(params(members)); };
  CHECK(error("\"" + a + "\":500000,\"" + b + "\":5").starts_with("-32602: destinations, line 2, column 68: output"));
  CHECK(error("\"" + a + "\":null").starts_with("-32602: destinations, line 1, column 68: should be a satoshi amount"));
  CHECK(error("\"03ab\":500000").starts_with("-32602: destinations, line 1, column 1: invalid node id"));
  CHECK(error("\"" + a + "\":500000,\"destinations\":[]") == "-32602: duplicate json names: destinations");
  CHECK(error("\"" + a + "\":500000,\"fee\":1") == "-32602: unknown parameter: fee");
  CHECK(error("\"nobody\":500000") == "-32602: unknown parameter: nobody");
}
