/* Random bits of the C references: xoshiro256+ (D. Blackman, S. Vigna, ACM TOMS 47 (2021) 36), seeded by splitmix64. */
#include <stdint.h>

typedef struct {
    uint64_t word[4];
} rng_t;

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void rng_seed(rng_t *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->word[i] = splitmix64(&seed);
}

static inline uint64_t rng_bits(rng_t *rng)
{
    uint64_t *s = rng->word;
    const uint64_t result = s[0] + s[3];
    const uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}
