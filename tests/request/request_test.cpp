// The parameters of the command; those of one destination are in destination_test.cpp.
#include <doctest/doctest.h>

#include "request_samples.hpp"

using namespace request;
using namespace request::test;
using bitcoin::Sat;

namespace {

const std::string txid = "1dea7cd05979072a3578cab271c02244ea8a090bbb46aa680a65ecd027048d83";
const std::string one = destination(R"("amount":1000)");
const std::string two = one + "," + destination(R"("amount":2000)", '2');

util::Result<Request> with(std::string_view more) { return parse_text(with_destinations(two, more)); }

}  // namespace

TEST_CASE("everything left out has lightningd's defaults") {
  const auto request = with("");
  REQUIRE(request);
  REQUIRE(request->destinations.size() == 2);
  CHECK(request->destinations[0].index == 0);
  CHECK(request->destinations[1].index == 1);
  CHECK(request->destinations[1].id.hex() == node('2'));
  CHECK(request->destinations[1].amount == Sat{2'000});
  CHECK_FALSE(request->feerate);
  CHECK_FALSE(request->commitment_feerate);
  CHECK(request->minconf == 1);
  CHECK_FALSE(request->has_utxos);
  CHECK(request->utxos.empty());
  CHECK(request->minchannels == 2);
  CHECK_FALSE(request->has_shares());
}

TEST_CASE("by name") {
  const auto request = with(R"(,"feerate":"slow","minconf":0,"utxos":[")" + txid + R"(:7"],"minchannels":1,)" +
                            R"("commitment_feerate":"7500perkw")");
  REQUIRE(request);
  CHECK(request->feerate == "slow");
  CHECK(request->minconf == 0);
  CHECK(request->has_utxos);
  REQUIRE(request->utxos.size() == 1);
  CHECK(request->utxos[0].str() == txid + ":7");
  CHECK(request->minchannels == 1);
  CHECK(request->commitment_feerate == "7500perkw");
}

TEST_CASE("by position, where null means left out") {
  const std::string list = "[" + two + "]";
  const auto request = parse_text("[" + list + R"(,null,3,null,1,"urgent"])");
  REQUIRE(request);
  CHECK_FALSE(request->feerate);
  CHECK(request->minconf == 3);
  CHECK_FALSE(request->has_utxos);
  CHECK(request->minchannels == 1);
  CHECK(request->commitment_feerate == "urgent");

  CHECK(parse_text("[" + list + "]").ok());
  CHECK(error_of(parse_text("[" + list + ",1,1,null,1,1,1,true,1,1,true,null,null,null,null,1]")) ==
        "-32602: too many parameters: got 16, expected 15");
  CHECK(error_of(parse_text("[]")) == "-32602: missing required parameter: destinations");
  CHECK(error_of(parse_text("[null]")) == "-32602: missing required parameter: destinations");
  CHECK(error_of(parse_text("[" + list + R"(,null,"x"])")) ==
        "-32602: minconf: should be an integer from 0 to 4294967295, got \"x\"");
}

TEST_CASE("null by name means left out, too") {
  const auto request =
      with(R"(,"feerate":null,"minconf":null,"utxos":null,"minchannels":null,"commitment_feerate":null)");
  REQUIRE(request);
  CHECK_FALSE(request->feerate);
  CHECK(request->minchannels == 2);
}

TEST_CASE("names that are not there, or there twice") {
  CHECK(error_of(with(R"(,"foo":1)")) == "-32602: unknown parameter: foo");
  CHECK(error_of(with(R"(,"foo":null)")) == "-32602: unknown parameter: foo");
  CHECK(error_of(with(R"(,"minconf":1,"minconf":1)")) == "-32602: duplicate json names: minconf");
  CHECK(error_of(with(R"(,"minconf":null,"minconf":1)")) == "-32602: duplicate json names: minconf");
  CHECK(error_of(parse_text("{}")) == "-32602: missing required parameter: destinations");
  CHECK(error_of(parse_text("3")) == "-32602: must be an object or an array of parameters, got 3");
}

TEST_CASE("a feerate is kept as its text, number or string") {
  CHECK(with(R"(,"feerate":7500)")->feerate == "7500");
  CHECK(with(R"(,"feerate":"7500")")->feerate == "7500");
  CHECK(with(R"(,"commitment_feerate":253)")->commitment_feerate == "253");
  CHECK(error_of(with(R"(,"feerate":"")")) == "-32602: feerate: must be a non-empty string or a number, got \"\"");
  CHECK(error_of(with(R"(,"feerate":[1])")) == "-32602: feerate: must be a non-empty string or a number, got [1]");
  CHECK(error_of(with(R"(,"commitment_feerate":true)")) ==
        "-32602: commitment_feerate: must be a non-empty string or a number, got true");
}

TEST_CASE("details") {
  CHECK_FALSE(with("")->details);
  CHECK(with(R"(,"details":true)")->details);
  CHECK(with(R"(,"details":"true")")->details);
  CHECK_FALSE(with(R"(,"details":false)")->details);
  CHECK(error_of(with(R"(,"details":1)")) == "-32602: details: should be 'true' or 'false', got 1");
}

TEST_CASE("max_fee and max_feerate") {
  CHECK_FALSE(with("")->cap.fee);
  CHECK_FALSE(with("")->cap.feerate);
  CHECK(with(R"(,"max_fee":5000)")->cap.fee == Sat{5'000});
  CHECK(with(R"(,"max_fee":"0.00005btc")")->cap.fee == Sat{5'000});
  CHECK(error_of(with(R"(,"max_fee":"much")")).starts_with("-32602: max_fee: should be a satoshi amount, as "));

  const auto feerate = [](const std::string& text) { return with(R"(,"max_feerate":)" + text)->cap.feerate->value; };
  CHECK(feerate(R"("7500perkw")") == 7'500);
  CHECK(feerate(R"("30000perkb")") == 7'500);
  CHECK(feerate(R"("30001perkb")") == 7'501);  // as lightningd rounds: the same text as feerate is within it
  CHECK(feerate(R"("30000")") == 7'500);
  CHECK(feerate("30000") == 7'500);
  CHECK(feerate(R"("4294967295perkb")") == 1'073'741'824);
  for (const std::string bad : {R"("slow")", R"("")", R"("0perkw")", "0", "-1", "1.5", R"("perkw")", R"("1perkwperkw")",
                                R"("1 perkw")", R"("4294967296perkw")", "true", "[]"})
    CHECK(error_of(with(R"(,"max_feerate":)" + bad)) ==
          "-32602: max_feerate: must be a feerate in numbers, as 7500perkw or 30000perkb, got " + bad);
  CHECK(parse_text("[[" + two + "],null,null,null,null,null,null,null,1,2]")->cap.fee == Sat{1});
}

TEST_CASE("dryrun") {
  using DryRun = Request::DryRun;
  CHECK(with("")->dryrun == DryRun::no);
  CHECK(with(R"(,"dryrun":true)")->dryrun == DryRun::look);
  CHECK(with(R"(,"dryrun":"false")")->dryrun == DryRun::no);
  CHECK(with(R"(,"dryrun":"ask")")->dryrun == DryRun::ask);
  for (const std::string bad : {"1", R"("Ask")", R"("ask ")", R"("")", "[]", "{}"})
    CHECK(error_of(with(R"(,"dryrun":)" + bad)) == "-32602: dryrun: should be 'true', 'false' or 'ask', got " + bad);
  CHECK(parse_text("[[" + two + "],null,null,null,null,null,null,null,null,null,true]")->dryrun == DryRun::look);
}

TEST_CASE("minconf") {
  CHECK(with(R"(,"minconf":"3")")->minconf == 3);
  for (const std::string good : {R"("0x3")", R"("+3")", R"(" 3")", R"("0X03")"})
    CHECK(with(R"(,"minconf":)" + good)->minconf == 3);
  CHECK(with(R"(,"minconf":4294967295)")->minconf == 4'294'967'295);
  for (const std::string bad :
       {"4294967296", "-1", "1.5", R"("")", R"("3 ")", R"("0x")", R"("010")", R"("++3")", "true", "[]"})
    CHECK(error_of(with(R"(,"minconf":)" + bad)) ==
          "-32602: minconf: should be an integer from 0 to 4294967295, got " + bad);
}

TEST_CASE("minchannels") {
  CHECK(with(R"(,"minchannels":"2")")->minchannels == 2);
  CHECK(with(R"(,"minchannels":99)")->minchannels == 2);  // as with the builtin: all there are
  CHECK(error_of(with(R"(,"minchannels":0)")) ==
        "-32602: minchannels: should be a positive integer, from 1 to 4294967295, got 0");
  CHECK(error_of(with(R"(,"minchannels":-1)")) ==
        "-32602: minchannels: should be an integer from 0 to 4294967295, got -1");
}

TEST_CASE("peer_timeout, which the builtin does not have") {
  CHECK_FALSE(with("")->peer_timeout_seconds);
  CHECK(with(R"(,"peer_timeout":30)")->peer_timeout_seconds == 30);
  CHECK(parse_text("[[" + two + "],null,null,null,null,null,60]")->peer_timeout_seconds == 60);
  CHECK(error_of(with(R"(,"peer_timeout":0)")) ==
        "-32602: peer_timeout: should be a positive integer, from 1 to 4294967295, got 0");
}

TEST_CASE("utxos") {
  const auto utxos = [](const std::string& value) { return with(R"(,"utxos":)" + value); };
  const auto quoted = [](const std::string& vout) { return "\"" + txid + ":" + vout + "\""; };
  const auto request = utxos("[" + quoted("0") + "," + quoted("1") + "]");
  REQUIRE(request);
  CHECK(request->utxos.size() == 2);

  CHECK(error_of(utxos("[]")) == "-32602: utxos: Please specify an array of 'txid:output_index', not \"[]\", got []");
  for (const std::string bad : {"{}", "3", "true"})
    CHECK(error_of(utxos(bad)) == "-32602: utxos: should be an array, got " + bad);
  const auto second = [&](const std::string& bad) { return error_of(utxos("[" + quoted("0") + "," + bad + "]")); };
  CHECK(second("3") ==
        "-32602: utxos[1]: Could not decode the outpoint from \"3\" The utxos should be specified as "
        "'txid:output_index'., got 3");
  CHECK(second("\"\"").starts_with("-32602: utxos[1]: Could not decode the outpoint from \"\" The utxos"));
  CHECK(second(R"("a:0")") == "-32602: utxos[1]: Could not get a txid out of \"a\", got \"a:0\"");
  for (const std::string bad : {"", "-1", "4294967296", "x", "01"})
    CHECK(error_of(utxos("[" + quoted(bad) + "]"))
              .starts_with("-32602: utxos[0]: Could not get a vout out of \"" + bad + "\", got "));
  CHECK(utxos("[" + quoted("0x1") + "]")->utxos[0].str() == txid + ":1");
  CHECK(
      error_of(utxos("[" + quoted("0") + "," + quoted("0") + "]")).starts_with("-32602: utxos[1]: came before, got "));
}

TEST_CASE("the list of destinations") {
  CHECK(error_of(parse_text(R"({"destinations":[]})")) == "-32602: destinations: must have at least one entry, got []");
  for (const std::string bad : {"{}", "3", "true"})
    CHECK(error_of(parse_text(R"({"destinations":)" + bad + "}")) ==
          "-32602: destinations: must be an array, got " + bad);

  const auto same_id = parse_text(with_destinations(two + "," + destination(R"("amount":3000)", '1')));
  CHECK(error_of(same_id).starts_with("-32602: destinations[2]: Duplicate destination: this id came before, got {"));
  // The same id in other letters, or with an address, is the same peer.
  const std::string upper = R"({"id":"02)" + std::string(62, '0') + R"(0A","amount":1000})";
  const std::string lower = R"({"id":"02)" + std::string(62, '0') + R"(0a@host","amount":1000})";
  CHECK(error_of(parse_text(with_destinations(upper + "," + lower))).starts_with("-32602: destinations[1]: Duplicate"));

  const std::string all = destination(R"("amount":"all")", '3');
  const auto one_all = parse_text(with_destinations(two + "," + all));
  REQUIRE(one_all);
  CHECK(one_all->has_shares());
  const auto two_all = parse_text(with_destinations(all + "," + destination(R"("amount":"all")", '4')));
  CHECK(error_of(two_all).starts_with(
      "-32602: destinations[1]: only one destination can indicate \"all\" for 'amount'., got "));
}

TEST_CASE("shares of one batch") {
  const auto batch = [](const std::vector<std::string>& amounts) {
    std::string list;
    for (std::size_t i = 0; i < amounts.size(); ++i) {
      if (i > 0) list += ',';
      list += destination(R"("amount":")" + amounts[i] + "\"", static_cast<char>('1' + i));
    }
    return parse_text(with_destinations(list));
  };
  CHECK(batch({"40%", "60%"}).ok());
  CHECK(batch({"40%", "*1", "1000", "*3"}).ok());
  CHECK(batch({"100%", "1000"}).ok());
  CHECK(batch({"*4294967294", "*1"}).ok());
  CHECK(batch({"1000", "100%"})->has_shares());
  CHECK(error_of(batch({"40%", "60.000001%"})) ==
        "-32602: destinations[1].amount: the percentages up to here are more than 100%, got \"60.000001%\"");
  for (const auto& amounts :
       {std::vector<std::string>{"40%", "*1", "60%"}, {"*1", "1000", "100%"}, {"50%", "50%", "*1"}})
    CHECK(error_of(batch(amounts)) ==
          "-32602: destinations[2].amount: 100% leave nothing for the weights, got \"" + amounts[2] + "\"");
  for (const auto& amounts : {std::vector<std::string>{"all", "*1"}, {"*1", "all"}, {"all", "1%"}, {"1%", "all"}})
    CHECK(error_of(batch(amounts)) ==
          "-32602: destinations[1].amount: \"all\" and other shares do not go together; \"*1\" is a share of all, "
          "got \"" +
              amounts[1] + "\"");
  CHECK(error_of(batch({"*4294967295", "*1"})) ==
        "-32602: destinations[1].amount: the weights up to here are more than 4294967295, got \"*1\"");
}

TEST_CASE("the sum of the amounts stays within all money") {
  const std::string most = destination(R"("amount":2099999999999454)", '1');
  CHECK(parse_text(with_destinations(most + "," + destination(R"("amount":546)", '2'))).ok());
  const auto more = parse_text(with_destinations(most + "," + destination(R"("amount":547)", '2')));
  CHECK(
      error_of(more).starts_with("-32602: destinations[1]: the amounts up to here are more than 21 million btc, got "));
}

TEST_CASE("what lightningd lets through without quotes means what a string would") {
  const auto read = [](const std::string& text) {
    const auto document = json::Document::read(text, "params");
    REQUIRE(document);
    return request::parse_request(document->root(), "regtest");
  };
  const std::string id = "02" + std::string(64, '1');
  const auto request = read("{,\"destinations\":[{\"id\":" + id + ",\"amount\":0100000sat,},],\"minconf\":0x2,}");
  REQUIRE(request);
  CHECK(request->destinations[0].id.hex() == id);
  CHECK(request->destinations[0].amount.value == 100'000);
  CHECK(request->minconf == 2);

  const auto amount = [&read, &id](const std::string& text) {
    return error_of(read("[[{\"id\":\"" + id + "\",\"amount\":" + text + "}]]"));
  };
  for (const std::string bad : {"100k", "1_000", "-", "nope", "1e400", "+1", "50%", "all", "*2", "Null"})
    CHECK(amount(bad) ==
          "-32602: destinations[0].amount: should be a satoshi amount, as 123, 123sat, 123000msat or 0.01btc, got " +
              bad);
  CHECK(amount("1,\"amount\":2") == "-32602: destinations[0]: duplicate json names: amount");
  CHECK(amount("1,\"\\u0061mount\":2") == "-32602: destinations[0]: unknown parameter: \\u0061mount");
  // By position a word that begins with an n is a null, by name it is not.
  CHECK(read("[[{\"id\":\"" + id + "\",\"amount\":9999}],nope nix]")->minconf == 1);
  CHECK(error_of(read("{\"destinations\":[{\"id\":\"" + id + "\",\"amount\":9999}],\"minconf\":nope}")) ==
        "-32602: minconf: should be an integer from 0 to 4294967295, got nope");
}

// --- multifundchannel-prepare ---

namespace {

/// Of one coin of P2WPKH with 100,000 sat, with an output for the change or without.
psbt::Psbt users_psbt(bool with_change) {
  const std::string coin = "01011fa086010000000000160014" + std::string(40, 'a');
  std::string hex = "70736274ff01020402000000010401010105010001fb040200000000" + coin;
  hex += "010e20" + std::string(64, '7') + "010f040100000000";
  auto psbt = *psbt::Psbt::parse(*util::from_hex(hex));
  if (with_change) psbt.insert_output(0, {Sat{0}, *util::from_hex("0014" + std::string(40, 'b'))});
  return psbt;
}

std::string prepare_error(const std::string& psbt, const std::string& members, const std::string& more = "") {
  const auto text = with_destinations(destination(members), R"(,"psbt":")" + psbt + '"' + more);
  const auto document = json::Document::parse(text, "params");
  REQUIRE(document.ok());
  return error_of(parse_prepare(document->root(), "regtest"));
}

}  // namespace

TEST_CASE("a user's PSBT is taken in base64 and in hex, of any case and with line breaks") {
  const auto psbt = users_psbt(true);
  const auto hex = util::to_hex(psbt.serialise(0));
  CHECK(prepare_error(psbt.base64(0), R"("amount":50000)") == "");
  CHECK(prepare_error(hex, R"("amount":50000)") == "");
  CHECK(prepare_error("70736274FF" + hex.substr(10, 20) + "\\n " + hex.substr(30), R"("amount":50000)") == "");
  CHECK(prepare_error(hex + "0", R"("amount":50000)").starts_with("-32602: psbt: begins as hex, but is not"));
  CHECK(prepare_error(hex + "zz", R"("amount":50000)").starts_with("-32602: psbt: begins as hex, but is not"));
}

TEST_CASE("shares that take all leave no change, which a PSBT with an output for it asks for") {
  for (const auto* all : {R"("amount":"all")", R"("amount":"100%")", R"("amount":"*1")"}) {
    CAPTURE(all);
    CHECK(prepare_error(users_psbt(true).base64(0), all) ==
          "-32602: psbt: has an output for change, and the shares take all that is left");
    CHECK(prepare_error(users_psbt(false).base64(0), all) == "");
  }
  CHECK(prepare_error(users_psbt(true).base64(0), R"("amount":"99%")") == "");
}
