#include "pictures.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "inflate.h"

namespace {

using Bytes = std::vector<uint8_t>;
const Bytes kPng = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr int kLargest = 1 << 14;  // pixels a side

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

uint32_t big_endian(const Bytes& data, size_t at) {
    if (at + 4 > data.size()) refuse("it ends too early");
    return uint32_t(data[at]) << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3];
}

// Takes the filter of PNG away from each row: the first byte names it, and what it subtracted.
Bytes unfilter(const Bytes& data, int height, size_t row, int step) {
    if (data.size() != height * (row + 1)) refuse("its pixels do not fill its size");
    Bytes made(height * row);
    for (int y = 0; y < height; ++y) {
        const int filter = data[y * (row + 1)];
        if (filter > 4) refuse("it has an unknown filter");
        for (size_t x = 0; x < row; ++x) {
            uint8_t* here = &made[y * row + x];
            const bool has_left = x >= size_t(step);
            const int left = has_left ? here[-step] : 0, up = y ? *(here - row) : 0;
            const int corner = has_left && y ? *(here - row - step) : 0;
            int guess = 0;
            if (filter == 1) guess = left;
            if (filter == 2) guess = up;
            if (filter == 3) guess = (left + up) / 2;
            if (filter == 4) {  // Paeth: whichever of the three is nearest to left + up - corner
                const int a = std::abs(up - corner), b = std::abs(left - corner), c = std::abs(left + up - 2 * corner);
                guess = a <= b && a <= c ? left : b <= c ? up : corner;
            }
            *here = uint8_t(data[y * (row + 1) + 1 + x] + guess);
        }
    }
    return made;
}

Picture read_png(const Bytes& data) {
    Picture picture;
    Bytes packed;
    int planes = 0;
    for (size_t at = kPng.size(); at + 12 <= data.size();) {
        const size_t length = big_endian(data, at);
        const std::string kind(data.begin() + at + 4, data.begin() + at + 8);
        if (length > data.size() - at - 12) refuse("it ends too early");
        const size_t body = at + 8;
        if (kind == "IHDR" && length == 13) {
            picture.width = int(big_endian(data, body)), picture.height = int(big_endian(data, body + 4));
            const int colour = data[body + 9];
            planes = colour == 0 ? 1 : colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 0;
            if (data[body + 8] != 8 || !planes || data[body + 12])
                refuse("it is a PNG, but not grey or RGB of 8 bits without interlacing");
        }
        if (kind == "IDAT") packed.insert(packed.end(), data.begin() + body, data.begin() + body + length);
        if (kind == "IEND") break;
        at = body + length + 4;
    }
    if (!planes || picture.width < 1 || picture.height < 1 || picture.width > kLargest || picture.height > kLargest)
        refuse("its size is missing or beyond 16384 a side");
    const size_t row = size_t(picture.width) * planes;
    const Bytes all = unfilter(inflate(packed, picture.height * (row + 1)), picture.height, row, planes);
    picture.channels = planes < 3 ? 1 : 3;
    for (size_t i = 0; i < all.size(); i += planes)
        picture.pixels.insert(picture.pixels.end(), all.begin() + i, all.begin() + i + picture.channels);
    return picture;
}

Picture read_pnm(const Bytes& data) {
    size_t at = 2;
    const auto number = [&] {
        while (at < data.size() && (std::isspace(data[at]) || data[at] == '#'))
            if (data[at++] == '#')
                while (at < data.size() && data[at] != '\n') ++at;
        int value = 0;
        while (at < data.size() && std::isdigit(data[at]) && value <= kLargest) value = value * 10 + data[at++] - '0';
        return value;
    };
    Picture picture;
    picture.channels = data[1] == '6' ? 3 : 1;
    picture.width = number(), picture.height = number();
    if (picture.width < 1 || picture.height < 1 || picture.width > kLargest || picture.height > kLargest)
        refuse("its size is missing or beyond 16384 a side");
    if (number() != 255) refuse("it has not 8 bits a channel");
    const size_t count = size_t(picture.height) * picture.width * picture.channels;
    if (++at + count > data.size()) refuse("it ends too early");
    picture.pixels.assign(data.begin() + at, data.begin() + at + count);
    return picture;
}

void append(Bytes& file, const std::string& kind, const Bytes& body) {  // one chunk of PNG
    const auto word = [&](uint32_t value) {
        for (int shift = 24; shift >= 0; shift -= 8) file.push_back(uint8_t(value >> shift));
    };
    word(uint32_t(body.size()));
    const size_t begin = file.size();
    file.insert(file.end(), kind.begin(), kind.end());
    file.insert(file.end(), body.begin(), body.end());
    uint32_t crc = 0xffffffff;
    for (size_t i = begin; i < file.size(); ++i) {
        crc ^= file[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    word(~crc);
}

Bytes grey_png(const Picture& picture) {
    Bytes head, rows, file = kPng;
    for (int side : {picture.width, picture.height})
        for (int shift = 24; shift >= 0; shift -= 8) head.push_back(uint8_t(side >> shift));
    head.insert(head.end(), {8, 0, 0, 0, 0});
    for (int y = 0; y < picture.height; ++y) {
        rows.push_back(0);  // no filter
        const auto row = picture.pixels.begin() + size_t(y) * picture.width;
        rows.insert(rows.end(), row, row + picture.width);
    }
    append(file, "IHDR", head);
    append(file, "IDAT", store(rows));
    append(file, "IEND", {});
    return file;
}

}  // namespace

Picture read_picture(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) refuse(path + ": no such file");
    const Bytes data{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    try {
        if (data.size() > kPng.size() && std::equal(kPng.begin(), kPng.end(), data.begin())) return read_png(data);
        if (data.size() > 2 && data[0] == 'P' && (data[1] == '5' || data[1] == '6')) return read_pnm(data);
        refuse("it is neither PNG nor PPM nor PGM");
    } catch (const std::runtime_error& error) {
        refuse(path + ": " + error.what());
    }
}

void write_grey(const std::string& path, const Picture& picture) {
    const bool png = path.size() > 4 && path.substr(path.size() - 4) == ".png";
    Bytes data;
    if (png) {
        data = grey_png(picture);
    } else {
        const std::string head = "P5\n" + std::to_string(picture.width) + " " + std::to_string(picture.height) + "\n255\n";
        data.assign(head.begin(), head.end());
        data.insert(data.end(), picture.pixels.begin(), picture.pixels.end());
    }
    const std::string partial = path + ".partial";
    std::ofstream file(partial, std::ios::binary);
    file.write(reinterpret_cast<const char*>(data.data()), std::streamsize(data.size()));
    file.close();
    if (!file || std::rename(partial.c_str(), path.c_str()) != 0) refuse(path + ": cannot be written");
}
