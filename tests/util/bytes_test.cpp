#include "util/bytes.hpp"

#include <doctest/doctest.h>

namespace {

util::Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

std::string hash(std::string_view text) {
  const auto input = bytes(text);
  const auto digest = util::sha256(input.data(), input.size());
  return util::to_hex(digest.data(), digest.size());
}

util::Bytes all_byte_values() {
  util::Bytes out;
  for (unsigned i = 0; i < 256; ++i) out.push_back(static_cast<std::uint8_t>(i));
  return out;
}

}  // namespace

TEST_CASE("hex is written in lower case") {
  CHECK(util::to_hex(util::Bytes{}).empty());
  CHECK(util::to_hex({0x00, 0x0f, 0xf0, 0xab, 0xff}) == "000ff0abff");
}

TEST_CASE("hex is read in either case") {
  CHECK(util::from_hex("") == util::Bytes{});
  CHECK(util::from_hex("00aAfF09") == util::Bytes{0x00, 0xaa, 0xff, 0x09});
  CHECK(util::from_hex(util::to_hex(all_byte_values())) == all_byte_values());
}

TEST_CASE("what is not hex gives nothing") {
  for (const std::string_view text :
       {"0", "abc", "0g", "g0", "0x00", " 00", "0 ", "-1", "\xc3\xa4", "@@", "``", "//", "::"}) {
    CAPTURE(text);
    CHECK_FALSE(util::from_hex(text));
  }
  CHECK_FALSE(util::from_hex(std::string_view("0\0", 2)));
  CHECK_FALSE(util::from_hex(std::string_view("abcd").substr(0, 3)));
}

TEST_CASE("each byte is a digit of hex or is not") {
  for (unsigned byte = 0; byte < 0x100; ++byte) {
    CAPTURE(byte);
    const std::string text{'0', static_cast<char>(byte)};
    CHECK(util::from_hex(text).has_value() == (std::string_view("0123456789abcdefABCDEF").find(text[1]) < 22));
  }
}

TEST_CASE("base64: the vectors of RFC 4648, both ways") {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, encoded] : vectors) {
    CAPTURE(plain);
    CHECK(util::to_base64(bytes(plain)) == encoded);
    CHECK(util::from_base64(encoded) == bytes(plain));
  }
}

TEST_CASE("base64: the whole alphabet, and every length of input") {
  CHECK(util::to_base64({0xfb, 0xef, 0xff}) == "++//");
  CHECK(util::from_base64("++//") == util::Bytes{0xfb, 0xef, 0xff});
  auto input = all_byte_values();
  for (; !input.empty(); input.pop_back()) CHECK(util::from_base64(util::to_base64(input)) == input);
}

TEST_CASE("what is not canonical base64 gives nothing") {
  SUBCASE("length") {
    for (const std::string_view text : {"Z", "Zg", "Zg=", "Zm9vY", "Zg==="}) CHECK_FALSE(util::from_base64(text));
  }
  SUBCASE("padding") {
    for (const std::string_view text : {"====", "Z===", "Zg==Zg==", "=Zg=", "Zg=v", "Zm9v===="}) {
      CAPTURE(text);
      CHECK_FALSE(util::from_base64(text));
    }
  }
  SUBCASE("characters") {
    for (const std::string_view text : {"Zm9-", "Zm9_", "Zm9 ", "Zm9\n", "Zm\xc3\xa4", " Zm9", "Zm 9"}) {
      CAPTURE(text);
      CHECK_FALSE(util::from_base64(text));
    }
  }
  SUBCASE("bytes beyond ASCII") {
    for (unsigned byte = 0x80; byte < 0x100; ++byte) {
      CHECK_FALSE(util::from_base64(std::string("Zm9") + static_cast<char>(byte)));
    }
  }
  SUBCASE("bits after the last byte that are not zero") {
    CHECK_FALSE(util::from_base64("Zh=="));
    CHECK_FALSE(util::from_base64("Zv=="));
    CHECK_FALSE(util::from_base64("Zm9="));
    CHECK_FALSE(util::from_base64("Zm+="));
  }
}

TEST_CASE("SHA-256: the vectors of FIPS 180-4") {
  CHECK(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hash("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
             "nopqrstu") == "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(hash(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256: lengths around the end of a block, where the padding needs one more") {
  // From Python's hashlib.
  CHECK(hash(std::string(55, 'a')) == "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  CHECK(hash(std::string(56, 'a')) == "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  CHECK(hash(std::string(63, 'a')) == "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
  CHECK(hash(std::string(64, 'a')) == "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
  CHECK(hash(std::string(65, 'a')) == "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0");
  CHECK(hash(std::string(119, 'a')) == "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
  CHECK(hash(std::string(120, 'a')) == "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c");
}

TEST_CASE("sha256d hashes twice: the txid of the genesis block's coinbase") {
  const auto transaction = util::from_hex(
      "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
      "696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420"
      "666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61"
      "deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000");
  REQUIRE(transaction);
  const auto digest = util::sha256d(*transaction);
  // Bitcoin shows this hash with its bytes reversed.
  CHECK(util::to_hex(util::Bytes(digest.rbegin(), digest.rend())) ==
        "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
}
