// The members of one entry of the parameter `destinations`.
#include <doctest/doctest.h>

#include "request_samples.hpp"

using namespace request;
using namespace request::test;
using bitcoin::Msat;
using bitcoin::Sat;

namespace {

/// The only destination of a request that parses.
Destination parsed(std::string_view members) {
  const auto request = parse_members(members);
  REQUIRE_MESSAGE(request, error_of(request));
  return request->destinations.front();
}

std::string error(std::string_view members) { return error_of(parse_members(members)); }

util::Result<Request> parse_id(const std::string& json) {
  return parse_text(with_destinations(R"({"id":)" + json + R"(,"amount":1000})"));
}

}  // namespace

TEST_CASE("what is left out has lightningd's defaults") {
  const Destination d = parsed(R"("amount":546)");
  CHECK(d.id.hex() == node('1'));
  CHECK(d.address == "");
  CHECK(d.amount == Sat{546});
  CHECK_FALSE(d.share);
  CHECK(d.announce);
  CHECK(d.push == Msat{0});
  CHECK_FALSE(d.close_to);
  CHECK_FALSE(d.mindepth);
  CHECK_FALSE(d.reserve);
  CHECK_FALSE(d.has_channel_type);
  CHECK_FALSE(d.policy);
}

TEST_CASE("a memo is a short text in one line") {
  CHECK(parsed(R"("amount":546)").memo == "");
  CHECK(parsed(R"("amount":546,"memo":"rent, \"quoted\" \u00e4")").memo == "rent, \"quoted\" \xC3\xA4");
  CHECK(parsed(R"("amount":546,"memo":7)").memo == "7");
  std::string longest;
  for (int i = 0; i < 100; ++i) longest += "\xC3\xA4";
  CHECK(parsed(R"("amount":546,"memo":")" + longest + '"').memo == longest);
  for (const auto& bad : std::vector<std::string>{R"("")", R"("a\nb")", R"("a\tb")", R"("a\rb")", R"("\u0000")",
                                                  R"("\u001b[2J")", R"("\u007f")", R"("\u009b")", R"("\u202e")",
                                                  R"("\u2028")", "true", "[]", "{}", '"' + longest + "x\""}) {
    CHECK(
        error(R"("amount":546,"memo":)" + bad)
            .starts_with("-32602: destinations[0].memo: must be a text of 1 to 100 characters, without line breaks and "
                         "control characters, got "));
  }
}

TEST_CASE("all members") {
  const Destination d =
      parsed(R"("amount":"0.01btc","announce":false,"push_msat":"1000sat","close_to":"bcrt1qaddress",)"
             R"("request_amt":0,"mindepth":6,"reserve":"1000sat","channel_type":[12,"22"])");
  CHECK(d.amount == Sat{1'000'000});
  CHECK_FALSE(d.announce);
  CHECK(d.push == Msat{1'000'000});
  CHECK(d.close_to == "bcrt1qaddress");
  CHECK(d.mindepth == 6);
  CHECK(d.reserve == Sat{1'000});
  CHECK(d.has_channel_type);
  CHECK(d.channel_type == std::vector<std::uint16_t>{12, 22});
}

TEST_CASE("a destination by position, as lightningd takes it") {
  const auto request = parse_text(
      with_destinations("[\"" + node('1') + R"(@host:9735",2000,null,1500,"address",null,null,3,700,[12]])"));
  REQUIRE(request);
  const Destination& d = request->destinations.front();
  CHECK(d.address == "host:9735");
  CHECK(d.amount == Sat{2'000});
  CHECK(d.announce);
  CHECK(d.push == Msat{1'500});
  CHECK(d.close_to == "address");
  CHECK(d.mindepth == 3);
  CHECK(d.reserve == Sat{700});
  CHECK(d.channel_type == std::vector<std::uint16_t>{12});

  CHECK(error_of(parse_text(with_destinations("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"))) ==
        "-32602: destinations[0]: too many parameters: got 16, expected 15");
  CHECK(error_of(parse_text(with_destinations("[\"" + node('1') + "\",5]"))) ==
        "-32602: destinations[0].amount: output would be dust (less than 546sat), got 5");
}

TEST_CASE("errors name the destination") {
  const std::string good = destination(R"("amount":1000)");
  const auto second = [&good](const std::string& entry) {
    return error_of(parse_text(with_destinations(good + "," + entry)));
  };
  CHECK(second(destination(R"("amount":545)", '2')) ==
        "-32602: destinations[1].amount: output would be dust (less than 546sat), got 545");
  CHECK(second(destination(R"("amount":1000,"foo":1)", '2')) == "-32602: destinations[1]: unknown parameter: foo");
  CHECK(second(destination(R"("amount":1000,"amount":1000)", '2')) ==
        "-32602: destinations[1]: duplicate json names: amount");
  CHECK(second("{\"id\":\"" + node('2') + "\"}") == "-32602: destinations[1]: missing required parameter: amount");
  CHECK(second(R"({"amount":1000})") == "-32602: destinations[1]: missing required parameter: id");
  CHECK(second(R"({"id":null,"amount":1000})") == "-32602: destinations[1]: missing required parameter: id");
  CHECK(second("3") == "-32602: destinations[1]: must be an object or an array of parameters, got 3");
}

TEST_CASE("id, with an address or without") {
  const auto address = [](const std::string& text) {
    const auto request = parse_id("\"" + node('1') + text + "\"");
    REQUIRE(request);
    CHECK(request->destinations.front().id.hex() == node('1'));
    return request->destinations.front().address;
  };
  CHECK(address("") == "");
  CHECK(address("@localhost") == "localhost");
  CHECK(address("@127.0.0.1:9735") == "127.0.0.1:9735");
  CHECK(address("@[::1]:9735") == "[::1]:9735");
  CHECK(address("@a@b") == "a@b");

  CHECK(error_of(parse_id("\"" + node('1') + "@\"")) ==
        "-32602: destinations[0].id: has no address after the @, got \"" + node('1') + "@\"");
  for (const std::string bad : {R"("")", R"("@host")", R"("02")", R"("abc@host")"})
    CHECK(error_of(parse_id(bad)) ==
          "-32602: destinations[0].id: invalid node id: it has 66 hex digits, the first two 02 or 03, got " + bad);
  CHECK_FALSE(parse_id("\"" + node('1') + "0\""));
  CHECK_FALSE(parse_id("\"04" + node('1').substr(2) + "\""));
  CHECK(error_of(parse_id("3")) == "-32602: destinations[0].id: invalid node id: it must be a string, got 3");
}

TEST_CASE("amount") {
  CHECK(parsed(R"("amount":1000)").amount == Sat{1'000});
  CHECK(parsed(R"("amount":"1000")").amount == Sat{1'000});
  CHECK(parsed(R"("amount":"546000msat")").amount == Sat{546});
  const Destination all = parsed(R"("amount":"all")");
  REQUIRE(all.share);
  CHECK(all.share->is_all());
  CHECK(all.amount == Sat{0});

  CHECK(error(R"("amount":0)") == "-32602: destinations[0].amount: output would be dust (less than 546sat), got 0");
  CHECK(error(R"("amount":"ALL")").starts_with("-32602: destinations[0].amount: should be a satoshi amount, as "));
  CHECK(error(R"("amount":"1000001msat")") ==
        "-32602: destinations[0].amount: should be a satoshi amount, without a fraction of one, got \"1000001msat\"");
  CHECK(error(R"("amount":2100000000000001)") ==
        "-32602: destinations[0].amount: is more than 21 million btc, got 2100000000000001");
}

TEST_CASE("an amount may be a share of what is left") {
  const auto parts = [](const std::string& text) { return parsed(R"("amount":")" + text + "\"").share->parts; };
  CHECK(parts("40%") == 40'000'000);
  CHECK(parts("12.5%") == 12'500'000);
  CHECK(parts("0.000001%") == 1);
  CHECK(parts("100%") == Share::whole);
  CHECK(parts("100.000000%") == Share::whole);
  const auto weight = [](const std::string& text) { return parsed(R"("amount":")" + text + "\"").share->weight; };
  CHECK(weight("*1") == 1);
  CHECK(weight("*4294967295") == 4'294'967'295);
  CHECK(weight("all") == 1);
  CHECK(weight("40%") == 0);
  CHECK(parsed(R"("amount":"40%")").amount == Sat{0});
  CHECK(parsed(R"("amount":"40%")").share->text == "40%");
  CHECK(parsed(R"("amount":"40%","push_msat":1000)").push.value == 1'000);

  for (const std::string bad : {"0%", "0.0%", "100.000001%", "101%", "-1%", "+1%", "1.%", ".5%", "1.1234567%", "%",
                                "1,5%", "1 %", " 1%", "4294967296%", "1.5.5%"})
    CHECK(error(R"("amount":")" + bad + "\"") ==
          "-32602: destinations[0].amount: a share must be above 0% and up to 100%, with at most six decimals, as "
          "\"12.5%\", got \"" +
              bad + "\"");
  for (const std::string bad : {"*", "*0", "*-1", "*1.5", "* 1", "*1 ", "*4294967296", "*x"})
    CHECK(error(R"("amount":")" + bad + "\"") ==
          "-32602: destinations[0].amount: a weight must be a positive integer, as \"*2\", got \"" + bad + "\"");
  for (const std::string bad : {"40", "1*", "all%"}) CHECK_FALSE(error(R"("amount":")" + bad + "\"").empty());
}

TEST_CASE("announce") {
  CHECK(parsed(R"("amount":1000,"announce":true)").announce);
  CHECK_FALSE(parsed(R"("amount":1000,"announce":false)").announce);
  CHECK(parsed(R"("amount":1000,"announce":"true")").announce);
  CHECK_FALSE(parsed(R"("amount":1000,"announce":"false")").announce);
  for (const std::string bad : {"0", "1", R"("no")", R"("")", "[]"})
    CHECK(error(R"("amount":1000,"announce":)" + bad) ==
          "-32602: destinations[0].announce: should be 'true' or 'false', got " + bad);
}

TEST_CASE("push_msat is in millisatoshi and at most the amount") {
  CHECK(parsed(R"("amount":1000,"push_msat":1)").push == Msat{1});
  CHECK(parsed(R"("amount":1000,"push_msat":1000000)").push == Msat{1'000'000});
  CHECK(
      error(R"("amount":1000,"push_msat":1000001)") ==
      "301: destinations[0].push_msat: Requested to push_msat of 1000001msat is greater than available funding amount "
      "1000sat, got 1000001");
  CHECK(parsed(R"("amount":"all","push_msat":1000001)").push == Msat{1'000'001});
  CHECK(error(R"("amount":1000,"push_msat":"x")")
            .starts_with("-32602: destinations[0].push_msat: should be a millisatoshi amount"));
}

TEST_CASE("close_to is any text") {
  CHECK(parsed(R"("amount":1000,"close_to":"whatever")").close_to == "whatever");
  for (const std::string bad : {R"("")", "3", "[]"})
    CHECK(error(R"("amount":1000,"close_to":)" + bad) ==
          "-32602: destinations[0].close_to: must be a non-empty string, got " + bad);
}

TEST_CASE("mindepth and reserve") {
  CHECK(parsed(R"("amount":1000,"mindepth":0)").mindepth == 0);
  CHECK(parsed(R"("amount":1000,"mindepth":"4294967295")").mindepth == 4'294'967'295);
  CHECK(error(R"("amount":1000,"mindepth":4294967296)") ==
        "-32602: destinations[0].mindepth: should be an unsigned 32 bit integer, from 0 to 4294967295, got 4294967296");
  CHECK(parsed(R"("amount":1000,"reserve":0)").reserve == Sat{0});
  CHECK(parsed(R"("amount":10000,"reserve":"5000000msat")").reserve == Sat{5'000});
  CHECK(error(R"("amount":1000,"reserve":-1)")
            .starts_with("-32602: destinations[0].reserve: should be a satoshi amount"));
}

TEST_CASE("channel_type is a list of feature bits") {
  const Destination none = parsed(R"("amount":1000,"channel_type":[])");
  CHECK(none.has_channel_type);
  CHECK(none.channel_type.empty());
  CHECK(parsed(R"("amount":1000,"channel_type":[65535])").channel_type == std::vector<std::uint16_t>{65'535});
  CHECK(error(R"("amount":1000,"channel_type":12)") ==
        "-32602: destinations[0].channel_type: must be an array, of feature bits, got 12");
  CHECK(error(R"("amount":1000,"channel_type":[12,65536])") ==
        "-32602: destinations[0].channel_type[1]: must be a 16-bit integer, from 0 to 65535, got 65536");
  CHECK(error(R"("amount":1000,"channel_type":["anchors"])") ==
        "-32602: destinations[0].channel_type[0]: must be a 16-bit integer, from 0 to 65535, got \"anchors\"");
}

TEST_CASE("a channel with an alias in place of its short channel id is not announced") {
  for (const std::string bit : {"46", "47"}) {
    CAPTURE(bit);
    CHECK(error(R"("amount":1000,"announce":false,"channel_type":[)" + bit + "]") == "");
    CHECK(error(R"("amount":1000,"channel_type":[12,)" + bit + "]") ==
          "-32602: destinations[0].channel_type: has option_scid_alias, which BOLT 2 allows only for channels with "
          "announce=false, got [12," +
              bit + "]");
  }
}

TEST_CASE("leases need dual funding, which is not there yet") {
  CHECK(error(R"("amount":1000,"request_amt":0)") == "");
  CHECK(error(R"("amount":1000,"request_amt":"0msat")") == "");
  CHECK(error(R"("amount":1000,"request_amt":1)") ==
        "-32602: destinations[0].request_amt: Must pass in 'compact_lease' if requesting funds from peer, got 1");
  CHECK(error(R"("amount":1000,"request_amt":1,"compact_lease":"0a")") ==
        "310: destinations[0].request_amt: v2 (dual funding) is not supported yet, got 1");
  CHECK(error(R"("amount":1000,"compact_lease":"0a")") ==
        "310: destinations[0].compact_lease: v2 (dual funding) is not supported yet, got \"0a\"");
  CHECK(error(R"("amount":1000,"request_amt":0,"compact_lease":"0a")") ==
        "310: destinations[0].compact_lease: v2 (dual funding) is not supported yet, got \"0a\"");
  CHECK(error(R"("amount":1000,"request_amt":"x")")
            .starts_with("-32602: destinations[0].request_amt: should be a satoshi amount"));
}
