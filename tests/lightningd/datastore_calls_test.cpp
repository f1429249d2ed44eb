#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "client_fixture.hpp"
#include "lightningd/client.hpp"

using namespace test;

namespace {

const DatastoreKey key{"multifundchannel", "batch", "0a"};

Call<std::vector<StoredText>> listdatastore() {
  return Call<std::vector<StoredText>>([](const Client& client, auto then) {
    client.listdatastore({"multifundchannel", "batch"}, std::move(then));
  });
}

}  // namespace

TEST_CASE("datastore creates a key that must not be there") {
  Call<std::uint64_t> call(
      [](const Client& client, auto then) { client.datastore_create(key, "{\"a\":1}", std::move(then)); });
  CHECK(call.request ==
        R"(datastore {"key":["multifundchannel","batch","0a"],"string":"{\"a\":1}","mode":"must-create"})");
  CHECK(call.value(R"({"generation":0})") == 0);
}

TEST_CASE("datastore replaces a key, of one generation or of any") {
  Call<std::uint64_t> one(
      [](const Client& client, auto then) { client.datastore_replace(key, "b", 4, std::move(then)); });
  CHECK(one.request ==
        R"(datastore {"key":["multifundchannel","batch","0a"],"string":"b","mode":"must-replace","generation":4})");
  CHECK(one.value(R"({"generation":5})") == 5);
  Call<std::uint64_t> any(
      [](const Client& client, auto then) { client.datastore_replace(key, "b", std::nullopt, std::move(then)); });
  CHECK(any.request == R"(datastore {"key":["multifundchannel","batch","0a"],"string":"b","mode":"must-replace"})");
}

TEST_CASE("listdatastore gives text where there is some") {
  auto call = listdatastore();
  CHECK(call.request == R"(listdatastore {"key":["multifundchannel","batch"]})");
  const auto& stored = call.value(
      R"({"datastore":[{"key":["multifundchannel","batch","0a"],"generation":2,"string":"x"},{"key":["y"]}]})");
  REQUIRE(stored.size() == 2);
  CHECK(stored[0].key == key);
  CHECK(stored[0].generation == 2);
  CHECK(stored[0].text == "x");
  CHECK_FALSE(stored[1].text);
  auto broken = listdatastore();
  CHECK(broken.result(R"({"datastore":[{"key":[1]}]})").error().code == unreadable_reply);
}

TEST_CASE("deldatastore") {
  Call<void> call([](const Client& client, auto then) { client.deldatastore(key, std::move(then)); });
  CHECK(call.request == R"(deldatastore {"key":["multifundchannel","batch","0a"]})");
  CHECK(call.result("{}").ok());
}

TEST_CASE("makesecret gives a key, and no error of it repeats what stood there") {
  const auto ask = [] {
    return Call<util::MacKey>([](const Client& client, auto then) { client.makesecret("a purpose", std::move(then)); });
  };
  const std::string secret(64, 'e');
  auto call = ask();
  CHECK(call.request == R"(makesecret {"string":"a purpose"})");
  CHECK(call.value(R"({"secret":")" + secret + R"("})").mac("x") == util::MacKey::from_hex(secret)->mac("x"));
  for (const std::string& reply : {R"({"secret":")" + secret + R"(ee"})", R"({"secret":[")" + secret + R"("]})",
                                   std::string("{}"), R"([")" + secret + R"("])"}) {
    auto other = ask();
    const auto& answer = other.result(reply);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().message == "unexpected reply to makesecret: result.secret: expected 64 hex digits");
  }
}
