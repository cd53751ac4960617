package main

import (
	"context"
	"fmt"
	"io"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// question is one of the workload, with what the models of the built-in server say.
type question struct {
	text  string
	right string
	// What the cheap model says; "" if it knows the answer.
	wrong string
}

// sure and unsure are what the cheap model states when it knows the answer, and when it
// does not.
const (
	sure   = 0.95
	unsure = 0.35
)

// workload has 20 questions, of which the cheap model can answer 14 (70 %).
var workload = []question{
	{"What is the capital of France?", "The capital of France is Paris. It lies on the Seine and has been the seat of government for most of the country's history.", ""},
	{"How many primes are below 60?", "There are 17 primes below 60. They are 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53 and 59.", "There are 16 primes below 60. The largest of them is 59, and the smallest, 2, is the only even one among them."},
	{"Which planet is the largest?", "Jupiter is the largest planet of the solar system. Its mass is more than twice that of all the other planets taken together.", ""},
	{"Who wrote Hamlet?", "Hamlet was written by William Shakespeare, around the year 1600. It is the longest of his plays and is set at the court of Denmark.", ""},
	{"What is the boiling point of water in Celsius?", "Water boils at 100 degrees Celsius at the pressure of sea level. On a mountain the pressure is lower, and so is the boiling point.", ""},
	{"How many days are there from 3 March to 19 May?", "There are 77 days from 3 March to 19 May. That is 28 days to the end of March, 30 in April and 19 in May.", "There are 76 days from 3 March to 19 May. That is 28 days to the end of March, 30 in April and 18 in May."},
	{"Which gas do plants take in?", "Plants take in carbon dioxide from the air. With light and water they make sugar of it, and they give off oxygen.", ""},
	{"What does HTTP stand for?", "HTTP stands for Hypertext Transfer Protocol. Browsers and servers on the web use it to request and to deliver pages and other resources.", ""},
	{"A price falls by 20 % and then rises by 20 %. What is it now?", "The price is now 96 % of what it was. The fall leaves 80 %, and a fifth of that is only 16 % of the first price.", "The price is now 100 % of what it was. The fall and the rise are of the same size, so that they cancel each other."},
	{"How many continents are there?", "There are seven continents by the usual count. They are Africa, Antarctica, Asia, Europe, North America, Oceania and South America.", ""},
	{"What is the chemical symbol of gold?", "The chemical symbol of gold is Au. It comes from aurum, the Latin word for the metal, and its atomic number is 79.", ""},
	{"On which weekday did the year 2000 begin?", "The year 2000 began on a Saturday. As a leap year it had 366 days, so that the year 2001 began on a Monday.", "The year 2000 began on a Friday. As a leap year it had 366 days, so that the year 2001 began on a Sunday."},
	{"Which ocean is the deepest?", "The Pacific is the deepest ocean. Its deepest known place is the Challenger Deep in the Mariana Trench, almost 11 kilometres down.", ""},
	{"How many bits are in a byte?", "A byte has eight bits. It can hold 256 different values, which is enough for a letter of the Latin alphabet.", ""},
	{"Eight people all shake hands with each other. How many handshakes?", "There are 28 handshakes. Each of the eight people greets seven others, and each handshake is counted twice in the product of 56.", "There are 56 handshakes. Each of the eight people greets seven others, and eight times seven is the product of all the greetings."},
	{"What is the square root of 144?", "The square root of 144 is 12. Twelve times twelve is 144, and minus twelve is the other solution of that equation.", ""},
	{"Which language is spoken in Brazil?", "Portuguese is the language of Brazil. The country was a colony of Portugal until 1822 and has most of the world's speakers today.", ""},
	{"What is 17 × 24 − 9?", "The result is 399. Seventeen times twenty-four is 408, as ten times twenty-four and seven times twenty-four are 240 and 168.", "The result is 389. Seventeen times twenty-four is 398, as ten times twenty-four and seven times twenty-four are 240 and 158."},
	{"When did the first person walk on the Moon?", "Neil Armstrong was the first person on the Moon, on 20 July 1969. Buzz Aldrin followed him about twenty minutes later.", ""},
	{"What is the opposite of north?", "The opposite of north is south. On most maps north is at the top of the sheet, and south is at its bottom.", ""},
}

// play asks the questions of a server that knows the answers.
func play(ctx context.Context, out io.Writer, server *ft.Server) error {
	server.Script(strong, ft.Func(func(r ft.Request) ft.Step { return ft.Text(find(r).right) }))
	server.Script(cheap, ft.Func(func(r ft.Request) ft.Step {
		if q := find(r); q.wrong != "" {
			return stating(q.wrong, unsure)
		}
		return stating(find(r).right, sure)
	}))
	return compare(ctx, out, server.ClientConfig())
}

// stating is an answer with the line that the cascade has asked for.
func stating(text string, confidence float64) ft.Step {
	return ft.Text(fmt.Sprintf("%s\nCONFIDENCE: %v", text, confidence))
}

// find returns the question that a request asks.
func find(r ft.Request) question {
	for _, q := range workload {
		if q.text == r.Text() {
			return q
		}
	}
	return question{right: "I do not know."}
}
