#include "inflate.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace {

[[noreturn]] void broken() { throw std::runtime_error("its compressed data are broken"); }

class Bits {  // least significant bit of each byte first
public:
    explicit Bits(const std::vector<uint8_t>& data) : data_(data) {}

    int take(int count) {
        int value = 0;
        for (int i = 0; i < count; ++i, ++at_) value |= (byte(at_ / 8) >> at_ % 8 & 1) << i;
        return value;
    }
    void to_byte() { at_ = (at_ + 7) / 8 * 8; }

private:
    uint8_t byte(size_t i) const {
        if (i >= data_.size()) broken();
        return data_[i];
    }
    const std::vector<uint8_t>& data_;
    size_t at_ = 16;  // after zlib's two bytes of header
};

class Code {  // canonical Huffman: shorter codes first, then in the symbols' order
public:
    explicit Code(const std::vector<int>& lengths) {
        for (int length : lengths) count_[length] += length > 0;
        for (int length = 1; length <= 15; ++length)
            for (size_t symbol = 0; symbol < lengths.size(); ++symbol)
                if (lengths[symbol] == length) symbols_.push_back(int(symbol));
    }
    int read(Bits& bits) const {
        int code = 0, first = 0, index = 0;  // `first`: the first code of this length, at `index` in symbols_
        for (int length = 1; length <= 15; ++length) {
            code |= bits.take(1);
            if (code - first < count_[length]) return symbols_[index + code - first];
            index += count_[length];
            first = (first + count_[length]) * 2;
            code *= 2;
        }
        broken();
    }

private:
    std::array<int, 16> count_{};
    std::vector<int> symbols_;
};

void read_codes(Bits& bits, std::vector<int>& literals, std::vector<int>& distances) {
    static const int order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const size_t literal_count = bits.take(5) + 257, distance_count = bits.take(5) + 1, own_count = bits.take(4) + 4;
    std::vector<int> own(19, 0), all;
    for (size_t i = 0; i < own_count; ++i) own[order[i]] = bits.take(3);
    const Code code(own);
    while (all.size() < literal_count + distance_count) {
        const int symbol = code.read(bits);
        if (symbol < 16) {
            all.push_back(symbol);
        } else if (symbol == 16) {
            if (all.empty()) broken();
            const int before = all.back();
            all.insert(all.end(), 3 + bits.take(2), before);
        } else {
            all.insert(all.end(), symbol == 17 ? 3 + bits.take(3) : 11 + bits.take(7), 0);
        }
    }
    if (all.size() > literal_count + distance_count) broken();
    literals.assign(all.begin(), all.begin() + literal_count);
    distances.assign(all.begin() + literal_count, all.end());
}

void fixed_codes(std::vector<int>& literals, std::vector<int>& distances) {
    literals.assign(288, 8);
    std::fill(literals.begin() + 144, literals.begin() + 256, 9);
    std::fill(literals.begin() + 256, literals.begin() + 280, 7);
    distances.assign(30, 5);
}

void compressed_block(Bits& bits, const Code& literal, const Code& distance, std::vector<uint8_t>& made, size_t most) {
    for (;;) {
        const int symbol = literal.read(bits);
        if (symbol == 256) return;
        if (symbol < 256) {
            made.push_back(uint8_t(symbol));
        } else {  // a repetition: its length, then how far back it lies; each extra bit doubles the classes' width
            const int l = symbol - 257;
            if (l > 28) broken();
            const int extra = l < 8 || l == 28 ? 0 : l / 4 - 1;
            const int length = l == 28 ? 258 : l < 8 ? l + 3 : ((4 + l % 4) << extra) + 3 + bits.take(extra);
            const int d = distance.read(bits);
            if (d > 29) broken();
            const int more = d < 4 ? 0 : d / 2 - 1;
            const size_t back = d < 4 ? d + 1 : ((2 + d % 2) << more) + 1 + bits.take(more);
            if (back > made.size()) broken();
            for (int i = 0; i < length; ++i) made.push_back(made[made.size() - back]);
        }
        if (made.size() > most) broken();
    }
}

void stored_block(Bits& bits, std::vector<uint8_t>& made, size_t most) {
    bits.to_byte();
    const int length = bits.take(16);
    if ((bits.take(16) ^ length) != 0xffff || made.size() + length > most) broken();
    for (int i = 0; i < length; ++i) made.push_back(uint8_t(bits.take(8)));
}

}  // namespace

uint32_t adler32(const std::vector<uint8_t>& data) {
    uint32_t a = 1, b = 0;
    for (uint8_t byte : data) a = (a + byte) % 65521, b = (b + a) % 65521;
    return b << 16 | a;
}

std::vector<uint8_t> inflate(const std::vector<uint8_t>& data, size_t most) {
    Bits bits(data);
    std::vector<uint8_t> made;
    for (bool last = false; !last;) {
        last = bits.take(1);
        const int kind = bits.take(2);
        if (kind == 0) {
            stored_block(bits, made, most);
        } else if (kind == 3) {
            broken();
        } else {
            std::vector<int> literals, distances;
            kind == 1 ? fixed_codes(literals, distances) : read_codes(bits, literals, distances);
            compressed_block(bits, Code(literals), Code(distances), made, most);
        }
    }
    bits.to_byte();
    uint32_t sum = 0;
    for (int i = 0; i < 4; ++i) sum = sum << 8 | uint32_t(bits.take(8));
    if (sum != adler32(made)) broken();
    return made;
}

std::vector<uint8_t> store(const std::vector<uint8_t>& data) {
    std::vector<uint8_t> made = {0x78, 0x01};
    size_t at = 0;
    do {
        const size_t length = std::min<size_t>(data.size() - at, 0xffff);
        made.push_back(at + length == data.size());
        for (size_t word : {length, ~length}) made.push_back(uint8_t(word)), made.push_back(uint8_t(word >> 8));
        made.insert(made.end(), data.begin() + at, data.begin() + at + length);
        at += length;
    } while (at < data.size());
    for (int shift = 24; shift >= 0; shift -= 8) made.push_back(uint8_t(adler32(data) >> shift));
    return made;
}
