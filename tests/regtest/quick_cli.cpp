// A bitcoin-cli for the nodes of the tests. lightningd asks bitcoind by starting bitcoin-cli, and looks for blocks and
// feerates with six of them a second and node: with 26 nodes the starts alone keep two processors busy.
//
// It answers the questions of such a look itself, as bitcoin-cli prints them. For all the rest, and for whatever
// bitcoind refuses, the real one takes over: what that says of an error is what tests are about.
//
// usage: quick_cli OPTIONS_OF_BITCOIN_CLI... METHOD PARAMETERS...
//   MFC_BITCOIN_CLI   the real one
//   MFC_BITCOIN_AUTH  user:password in base64
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view looks[] = {"estimatesmartfee", "getblock", "getblockhash", "getmempoolinfo"};
constexpr int no_such_height = 8;  // bitcoin-cli's exit status of bitcoind's error -8

struct Call {
  std::string port, method;
  std::vector<std::string> parameters;
  std::string input;  ///< what stood on standard input
};

std::string read_all(int fd) {
  std::string text;
  char buffer[65536];
  for (ssize_t size = 0; (size = read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, size);
  return text;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Nothing when it is no look.
std::optional<Call> call_of(const std::vector<std::string>& arguments) {
  constexpr std::string_view port = "-rpcport=";
  Call call;
  bool password_follows = false, parameters_follow = false;
  for (const std::string& argument : arguments) {
    if (!call.method.empty()) {
      call.parameters.push_back(argument);
    } else if (argument.starts_with(port)) {
      call.port = argument.substr(port.size());
    } else if (argument == "-stdinrpcpass") {
      password_follows = true;
    } else if (argument == "-stdin") {
      parameters_follow = true;
    } else if (!argument.starts_with("-")) {
      call.method = argument;
    }
  }
  if (std::find(std::begin(looks), std::end(looks), call.method) == std::end(looks)) return std::nullopt;
  if (password_follows || parameters_follow) call.input = read_all(STDIN_FILENO);
  std::vector<std::string> lines = lines_of(call.input);
  if (password_follows && !lines.empty()) lines.erase(lines.begin());
  if (parameters_follow) call.parameters.insert(call.parameters.end(), lines.begin(), lines.end());
  return call;
}

/// The parameters are numbers, hex and words.
std::string body_of(const Call& call) {
  std::string parameters;
  for (const std::string& parameter : call.parameters) {
    const bool number = parameter.size() < 10 && parameter.find_first_not_of("0123456789") == std::string::npos;
    parameters += (parameters.empty() ? "" : ",") + (number ? parameter : '"' + parameter + '"');
  }
  return R"({"id":1,"method":")" + call.method + R"(","params":[)" + parameters + "]}";
}

/// The body of bitcoind's answer; empty when none came.
std::string answer_to(const Call& call) {
  const char* auth = std::getenv("MFC_BITCOIN_AUTH");
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const timeval patience = {60, 0};  // as lightningd asks of bitcoin-cli; then that one asks, and says what it says
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(call.port.c_str())));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!auth || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "";
  const std::string body = body_of(call);
  const std::string request = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Basic " +
                              std::string(auth) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                              body;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return "";
  const std::string answer = read_all(fd);
  const std::size_t head = answer.find("\r\n\r\n");
  return head == std::string::npos ? "" : answer.substr(head + 4);
}

/// Prints what bitcoin-cli prints. Its exit status; nothing when the real one has to do it.
std::optional<int> answered(const Call& call) {
  constexpr std::string_view before = R"({"result":)", after = R"(,"error":null,"id":1})";
  const std::string answer = answer_to(call);
  const std::size_t end = answer.rfind(after);
  if (answer.starts_with(before) && end != std::string::npos) {
    std::string_view result = std::string_view(answer).substr(before.size(), end - before.size());
    if (result.starts_with('"')) result = result.substr(1, result.size() - 2);
    std::printf("%.*s\n", static_cast<int>(result.size()), result.data());
    return 0;
  }
  // The block that is not there yet.
  if (call.method == "getblockhash" && answer.find(R"("error":{"code":-8,)") != std::string::npos) {
    std::fputs("error code: -8\nerror message:\nBlock height out of range\n", stderr);
    return no_such_height;
  }
  return std::nullopt;
}

/// Gives back what was read from standard input.
void unread(const std::string& input) {
  int ends[2];
  if (input.empty() || pipe(ends) != 0) return;
  const bool written = write(ends[1], input.data(), input.size()) == static_cast<ssize_t>(input.size());
  close(ends[1]);
  if (written) dup2(ends[0], STDIN_FILENO);
}

}  // namespace

int main(int argc, char** argv) {
  const auto call = call_of({argv + 1, argv + argc});
  if (const auto status = call ? answered(*call) : std::nullopt) return *status;
  if (call) unread(call->input);
  const char* real = std::getenv("MFC_BITCOIN_CLI");
  argv[0] = const_cast<char*>(real ? real : "bitcoin-cli");
  execvp(argv[0], argv);
  std::perror(argv[0]);
  return 127;
}
