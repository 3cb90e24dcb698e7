// portrait-mask: a picture in, the mask of the person out; or, with --check, the test vectors.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "check.h"
#include "pictures.h"
#include "portrait.h"

namespace {

constexpr const char* kUsage =
    "portrait-mask [--threads N] portrait.json FRAME MASK   FRAME: .png or .ppm, MASK: .png or .pgm\n"
    "portrait-mask [--threads N] --check portrait.json      exit code 1 where a test vector is missed\n";

void mask_file(const std::string& description, const std::string& from, const std::string& to, int threads) {
    const portrait::Portrait portrait(description, threads);
    Picture frame = read_picture(from);
    if (frame.channels == 1) {  // grey
        std::vector<uint8_t> rgb;
        for (uint8_t value : frame.pixels) rgb.insert(rgb.end(), 3, value);
        frame.pixels = rgb;
    }
    const portrait::Mask mask = portrait(frame.pixels.data(), frame.height, frame.width);
    Picture made{frame.height, frame.width, 1, {}};
    for (float alpha : mask.alpha) made.pixels.push_back(uint8_t(std::lround(255 * alpha)));
    write_grey(to, made);
    std::printf("presence %.3f: %s\n", mask.presence, mask.somebody ? "somebody is there" : "nobody is there, the mask is empty");
}

}  // namespace

int main(int count, char** words) {
    bool checks = false;
    int threads = 1;
    std::vector<std::string> paths;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--check") checks = true;
        else if (word == "--threads" && i + 1 < count) threads = std::atoi(words[++i]);
        else paths.push_back(word);
    }
    if (paths.size() != (checks ? 1 : 3) || threads < 1 || paths[0].rfind("--", 0) == 0) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    try {
        if (checks) return check(paths[0], threads) ? 0 : 1;
        mask_file(paths[0], paths[1], paths[2], threads);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "portrait-mask: %s\n", error.what());
        return 2;
    }
    return 0;
}
