// Runs every target on each file of its corpus, and on damaged ones: with any compiler.
//
// usage: fuzz_replay CORPUS_DIR [TARGET [FILE...]]
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/targets.hpp"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// As it is, cut short, and with one byte changed, at some places.
void run_damaged(const fuzz::Target& target, const std::string& text) {
  target.run(text);
  const std::size_t step = std::max<std::size_t>(1, text.size() / 16);
  for (std::size_t at = 0; at < text.size(); at += step) {
    target.run(text.substr(0, at));
    auto changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 0x15);
    target.run(changed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const fs::path corpus = argv[1];
  if (argc > 3) {
    for (int i = 3; i < argc; ++i) fuzz::target_named(argv[2]).run(read(argv[i]));
    return 0;
  }
  int passed = 0;
  for (const auto& target : fuzz::targets()) {
    if (argc == 3 && argv[2] != std::string(target.name)) continue;
    const auto files = files_in(corpus / target.name);
    if (files.empty()) {
      std::printf("%s has no corpus\n", target.name);
      return 1;
    }
    for (const auto& file : files) {
      std::printf("%s\n", file.c_str());
      std::fflush(stdout);
      run_damaged(target, read(file));
      ++passed;
    }
  }
  std::printf("%d passed, 0 failed, 0 skipped\n", passed);
  return passed > 0 ? 0 : 1;
}
